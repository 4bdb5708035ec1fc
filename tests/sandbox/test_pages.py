"""The sandbox's two pages, in a browser that can reach nothing but this machine."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser


async def test_breaking_and_mending_by_hand(calm_sandbox, visit):
    panel = await visit(f"{calm_sandbox.ready['control']}/")
    upstream = panel.page.locator("section", has_text="ehr-b")
    await upstream.get_by_label("Outage").select_option("503")
    await upstream.get_by_label("Requests allowed").fill("3")
    await upstream.get_by_label("Batches").uncheck()
    await panel.page.locator("section.broken").wait_for()
    await panel.page.get_by_role("button", name="Forget the counts").click()
    answer = calm_sandbox.http.get(f"{calm_sandbox.url('ehr-b')}/Patient")
    assert answer.status_code == 503
    await panel.page.get_by_text("search Patient: 1").wait_for()
    await panel.page.get_by_role("button", name="Mend everything").click()
    await panel.page.locator("section.broken").wait_for(state="detached")
    assert await upstream.get_by_label("Outage").input_value() == "none"
    assert calm_sandbox.http.get(f"{calm_sandbox.url('ehr-b')}/Patient").status_code == 401
    assert panel.hosts() == {urlsplit(calm_sandbox.ready["control"]).netloc}
    assert panel.problems == []


async def test_misleading_by_hand(calm_sandbox, visit):
    panel = await visit(f"{calm_sandbox.ready['control']}/")
    issuer = panel.page.locator("#issuer")
    await issuer.get_by_label("Misdeed").select_option("unsigned")
    await panel.page.locator("#issuer.broken").wait_for()
    assert calm_sandbox.persona_token("clinician").endswith(".")
    await issuer.get_by_label("Misdeed").select_option("none")
    await panel.page.locator("#issuer.broken").wait_for(state="detached")
    await issuer.get_by_label("Opaque tokens").check()
    async with panel.page.expect_response("**/issuer"):
        await issuer.get_by_role("button", name="Rotate").click()
    assert "." not in calm_sandbox.persona_token("clinician")
    await panel.page.get_by_role("button", name="Mend everything").click()
    await expect(issuer.get_by_label("Opaque tokens")).not_to_be_checked()
    assert calm_sandbox.persona_token("clinician").count(".") == 2
    assert panel.problems == []


async def test_signing_in(calm_sandbox, visit):
    query = {
        "response_type": "code",
        "client_id": "chartgraph-web",
        "redirect_uri": f"{calm_sandbox.ready['control']}/callback",
        "scope": "openid user/*.rs",
        "state": "s1",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    page = await visit(f"{calm_sandbox.ready['issuer']}/authorize?{urlencode(query)}")
    assert page.problems == []
    await page.page.get_by_role("button", name="clinician").click()
    await page.page.wait_for_url("**/callback?*")
    answer = parse_qs(urlsplit(page.page.url).query)
    assert answer["state"] == ["s1"]
    assert answer["code"]
