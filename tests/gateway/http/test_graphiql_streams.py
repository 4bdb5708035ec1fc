"""GraphiQL in a real browser, in front of a real gateway: subscriptions and deferred parts."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from gateway.http.graphiql import Example, PageConfig

pytestmark = pytest.mark.browser

SUBSCRIPTION = 'subscription { patientChanged(id: "p-1"%s) { name mood } }'
DEFERRED = '{ patient(id: "p-1") { name ... @defer { mood } } }'


async def run(start, visit, text):
    """The gateway, and the page on which the text has been executed."""
    gateway = await start(page=PageConfig(examples=(Example("Tried", text),)), dev=True)
    gateway.weather.gate = asyncio.Event()
    seen = await visit(f"{gateway.url}/graphiql/")
    await expect(seen.page.locator(".graphiql-query-editor .view-line").first).to_be_visible()
    await seen.page.get_by_role("button", name="Execute query").click()
    return gateway, seen


def response(seen):
    return seen.page.locator(".graphiql-response .view-lines")


async def until(holds) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - it is seen from outside only
            await asyncio.sleep(0.01)


async def test_a_subscription_shows_its_newest_event(start, visit):
    gateway, seen = await run(start, visit, SUBSCRIPTION % ", times: 3")
    gateway.weather.gate.set()
    await expect(response(seen)).to_contain_text('"name": "Lovelace 2"')
    await expect(response(seen)).to_contain_text('"mood": "fair"')
    await expect(seen.page.get_by_role("button", name="Execute query")).to_be_visible()
    assert seen.hosts() == {gateway.url.removeprefix("http://")}
    assert seen.problems == []


async def test_one_that_is_stopped_ends_at_the_gateway(start, visit):
    gateway, seen = await run(start, visit, SUBSCRIPTION % "")
    gateway.weather.gate.set()
    await expect(response(seen)).to_contain_text('"name": "Lovelace')
    assert gateway.records.listening == 1
    await seen.page.get_by_role("button", name="Stop query").click()
    await until(lambda: gateway.records.listening == 0)
    assert seen.problems == []


async def test_what_cannot_begin_is_shown(start, visit):
    _, seen = await run(start, visit, "subscription { nope }")
    await expect(response(seen)).to_contain_text("GRAPHQL_VALIDATION_FAILED")


async def test_a_deferred_part_joins_what_is_shown(start, visit):
    gateway, seen = await run(start, visit, DEFERRED)
    await expect(response(seen)).to_contain_text('"name": "Lovelace"')
    await expect(response(seen)).not_to_contain_text("mood")
    gateway.weather.gate.set()
    await expect(response(seen)).to_contain_text('"mood": "fair"')
    await expect(response(seen)).to_contain_text('"name": "Lovelace"')
    assert seen.problems == []
