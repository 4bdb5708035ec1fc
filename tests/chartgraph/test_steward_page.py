"""The stewards' page in a browser: two records side by side, and one decision by keyboard alone."""

from __future__ import annotations

import httpx2
import pytest
from playwright.async_api import expect

from chartgraph.steward import steward_page

REVIEWS = "{ identityReviews(first: 50) { nodes { id } } }"


def open_reviews(demo):
    answer = demo.ask(REVIEWS, persona="steward")
    assert "errors" not in answer
    return [node["id"] for node in answer["data"]["identityReviews"]["nodes"]]


@pytest.mark.browser
async def test_a_steward_decides_by_keyboard(demo, visit):
    before = open_reviews(demo)
    assert before, "the demo has people for a human to decide"
    seen = await visit(f"{demo.gateway}/steward/")
    page = seen.page
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    await page.keyboard.press("Enter")
    review = page.get_by_role("region", name="Review", exact=True)
    await expect(review).to_be_visible()
    await expect(review.get_by_role("rowheader", name="Birth date")).to_be_visible()
    columns = await review.get_by_role("columnheader").all_text_contents()
    assert columns[0] == "Field"
    assert columns[1] != columns[2]

    # A decision needs its reason.
    await page.keyboard.press("Alt+2")
    await expect(page.get_by_label("Why")).to_be_focused()
    await page.keyboard.type("Their telephones differ")
    await page.keyboard.press("Alt+2")
    await expect(page.get_by_role("status")).to_have_text("Decided: two people.")
    after = open_reviews(demo)
    assert len(after) == len(before) - 1
    assert set(after) < set(before)
    assert seen.hosts() == {demo.gateway.removeprefix("http://")}
    assert seen.problems == []
    assert not any("Tranberg" in url or "?" in url for url in seen.requests)


@pytest.mark.browser
async def test_every_control_has_a_name_and_nothing_is_kept(demo, visit):
    seen = await visit(f"{demo.gateway}/steward/")
    await seen.page.get_by_role("button", name="Sign in").click()
    await expect(seen.page.get_by_role("status")).to_contain_text("Signed in.")
    for role in ("button", "textbox"):
        for control in await seen.page.get_by_role(role).all():
            named = await control.evaluate("one => one.innerText || one.labels?.length > 0")
            assert named, await control.evaluate("one => one.outerHTML")
    kept = await seen.page.evaluate("() => localStorage.length + sessionStorage.length")
    assert kept == 0
    assert await seen.page.context.cookies() == []
    assert seen.problems == []


async def test_the_page_is_closed_to_all_but_itself():
    transport = httpx2.ASGITransport(app=steward_page(None))
    async with httpx2.AsyncClient(transport=transport, base_url="http://steward") as client:
        for path in ("/", "/steward.js", "/config.json", "/../up.py", "/nothing.js"):
            answer = await client.get(path)
            policy = answer.headers.get("content-security-policy", "")
            found = path in ("/", "/steward.js", "/config.json")
            assert answer.status_code == (200 if found else 404)
            assert not found or "default-src 'none'" in policy
            assert "unsafe" not in policy
        config = (await client.get("/config.json")).json()
    assert config["tokenUrl"] is None
    assert "identityReviews" in config["reviews"]


def test_only_a_steward_sees_the_queue(demo):
    answer = demo.ask(REVIEWS, persona="clinician")
    assert answer["data"]["identityReviews"] is None
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
