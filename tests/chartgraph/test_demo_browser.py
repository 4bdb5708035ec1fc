"""The demo as a visitor meets it: its address in a browser, one example, one persona.

`CHARTGRAPH_SCREENSHOT=1` keeps what is seen as `docs/graphiql.png`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

SCREENSHOT = Path(__file__).parents[2] / "docs" / "graphiql.png"


def sources(value):
    """Every source some fact or list in an answer names."""
    if isinstance(value, list):
        return {name for item in value for name in sources(item)}
    if isinstance(value, dict):
        own = {value["source"]} if isinstance(value.get("source"), str) else set()
        return own | sources(list(value.values()))
    return set()


async def test_a_clinician_sees_one_patient_from_every_source(demo, visit):
    seen = await visit(demo.gateway)
    page = seen.page
    await page.get_by_label("Persona").select_option("clinician")
    await expect(page.get_by_role("status")).to_contain_text("Token until")
    await page.get_by_role("button", name="Show Plan").click()
    await page.get_by_label("Example").select_option("Patient summary")
    async with page.expect_response(lambda response: is_summary(response.request)) as answered:
        await page.get_by_role("button", name="Execute query").click()
    answer = await (await answered.value).json()

    assert "errors" not in answer
    assert {"ehr-a", "ehr-b", "payer"} <= sources(answer["data"])
    await expect(page.locator(".graphiql-response .view-lines")).to_contain_text('"patient"')
    plan = page.get_by_role("region", name="Plan", exact=True)
    await plan.get_by_role("button", name="Explain this operation").click()
    await expect(plan).to_contain_text("QueryPlan")
    await expect(plan.get_by_role("region", name="cost")).to_contain_text("requests")
    await expect(plan.get_by_role("region", name="denied")).to_contain_text("none")
    assert seen.hosts() == {demo.gateway.removeprefix("http://")}
    assert seen.problems == []
    if os.environ.get("CHARTGRAPH_SCREENSHOT"):
        await page.screenshot(path=SCREENSHOT)


def is_summary(request):
    return request.url.endswith("/graphql") and "Summary" in (request.post_data or "")


async def test_a_biller_is_told_what_is_left_out_of_the_same_plan(demo, visit):
    seen = await visit(demo.gateway)
    await seen.page.get_by_label("Persona").select_option("biller")
    await expect(seen.page.get_by_role("status")).to_contain_text("Token until")
    # The plan is of what the editor holds, so the example has to be there first.
    await expect(seen.page.locator(".graphiql-query-editor")).to_contain_text("PatientSummary")
    await seen.page.get_by_role("button", name="Show Plan").click()
    denied = seen.page.get_by_role("region", name="denied")
    await expect(denied.get_by_role("row", name="patient.conditions")).to_contain_text(
        "SCOPE_REQUIRED"
    )
    plan = seen.page.get_by_role("region", name="Query plan")
    await expect(plan).to_contain_text("Fetch(coverage)")
    await expect(plan).not_to_contain_text("conditions")


async def test_each_persona_of_the_sandbox_gets_a_token(demo, visit):
    seen = await visit(demo.gateway)
    personas = seen.page.get_by_label("Persona")
    await expect(personas).to_be_visible()
    options = await personas.locator("option").evaluate_all("all => all.map((one) => one.value)")
    assert {"clinician", "patient", "biller", "partner"} <= set(options)
    for persona in filter(None, options):
        async with seen.page.expect_response(re.compile("/demo/token")) as answered:
            await personas.select_option(persona)
        assert (await answered.value).ok
        await expect(seen.page.get_by_role("status")).to_contain_text("Token until")
