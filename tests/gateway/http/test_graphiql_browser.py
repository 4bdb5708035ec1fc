"""The page in a real browser, in front of a small gateway."""

from __future__ import annotations

import asyncio
import json
import re
import socket

import pytest
import uvicorn
from playwright.async_api import expect

from gateway.http.graphiql import Example, PageConfig, Persona
from tests.gateway.http.graphiql_gateway import Gateway

pytestmark = pytest.mark.browser

SUMMARY = "query Summary($id: ID!) {\n  patient(id: $id) {\n    name\n  }\n}\n"
GREETING = "query Greeting {\n  greeting\n}\n"

SANDBOX = PageConfig(
    examples=(
        Example("Patient summary", SUMMARY, {"id": "p-1"}),
        Example("Greeting", GREETING),
    ),
    personas=(Persona("clinician", "Clinician"), Persona("patient", "Patient")),
    token_url="/demo/token",
    plan_url="/plan",
)


@pytest.fixture
async def serve():
    """Serves GraphiQL and the gateway behind it, both on this machine."""
    running = []

    async def start(config, **settings):
        # Listening before the server runs, so that nobody has to wait for it.
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        gateway = Gateway(f"http://127.0.0.1:{port}", **settings)
        server = uvicorn.Server(
            uvicorn.Config(gateway.app(config), lifespan="off", log_level="error")
        )
        running.append((server, asyncio.create_task(server.serve([listening]))))
        return gateway

    yield start
    for server, task in running:
        server.should_exit = True
        server.force_exit = True
        await task


async def ready(visit, gateway):
    """Opens the page and waits for what it does by itself: token, schema, editors."""
    seen = await visit(f"{gateway.url}/graphiql/")
    await expect(seen.page.get_by_role("region", name="Operation Editor")).to_be_visible()
    await expect(seen.page.locator(".graphiql-query-editor .view-line").first).to_be_visible()
    await expect(seen.page.locator(".graphiql-response .monaco-editor")).to_be_visible()
    return seen


async def run(page):
    await page.get_by_role("button", name="Execute query").click()


def response(page):
    return page.locator(".graphiql-response .view-lines")


async def test_an_example_runs_and_nothing_leaves_this_machine(serve, visit):
    gateway = await serve(SANDBOX)
    seen = await ready(visit, gateway)
    assert await seen.page.title() == "Chartgraph"
    await run(seen.page)
    await expect(response(seen.page)).to_contain_text('"name": "Ada"')
    assert seen.hosts() == {gateway.url.removeprefix("http://")}
    assert seen.problems == []


@pytest.mark.parametrize(
    ("reach_out", "directive"),
    [
        ("fetch('http://127.0.0.2:9/').catch(() => null)", "connect-src"),
        ("document.body.append(Object.assign(new Image(), {src: '//a.test/x'}))", "img-src"),
        ("document.body.setAttribute('onclick', 'window.stolen = 1')", "script-src-attr"),
    ],
)
async def test_the_policy_stops_what_would_reach_out(serve, visit, reach_out, directive):
    seen = await ready(visit, await serve(SANDBOX))
    refused = await seen.page.evaluate(
        f"""new Promise((resolve) => {{
            addEventListener('securitypolicyviolation', (e) => resolve(e.effectiveDirective));
            {reach_out};
        }})"""
    )
    assert refused == directive
    assert any("Content Security Policy" in problem for problem in seen.problems)


async def test_what_is_typed_is_checked_against_the_schema(serve, visit):
    gateway = await serve(SANDBOX)
    seen = await ready(visit, gateway)
    await seen.page.get_by_role("button", name="New tab").click()
    await seen.page.locator(".graphiql-query-editor .monaco-editor").click()
    await seen.page.keyboard.type("{ nobody")
    await expect(seen.page.locator(".graphiql-query-editor .squiggly-error").first).to_be_visible()
    await seen.page.keyboard.press("ControlOrMeta+a")
    await seen.page.keyboard.type("{ gree")
    await seen.page.keyboard.press("Control+Space")
    await expect(seen.page.locator(".suggest-widget")).to_contain_text("greeting")
    assert seen.hosts() == {gateway.url.removeprefix("http://")}
    assert seen.problems == []


async def test_both_editors_are_formatted(serve, visit):
    config = PageConfig(examples=(Example("Cramped", "query A($id:ID!){patient(id:$id){name}}"),))
    gateway = await serve(config)
    seen = await ready(visit, gateway)
    variables = seen.page.locator(".graphiql-editor-tool .monaco-editor").first
    await variables.click()
    await seen.page.keyboard.press("ControlOrMeta+a")
    await seen.page.keyboard.insert_text('{"id":"p-1", // kept\n"n":[1]}')
    await seen.page.get_by_role("button", name="Prettify query").click()
    query = seen.page.locator(".graphiql-query-editor .view-lines")
    await expect(query.locator(".view-line").nth(2)).to_have_text(re.compile(r"^\s+name$"))
    await expect(variables.locator(".view-line").nth(1)).to_have_text('"id": "p-1", // kept')
    assert seen.problems == []


async def test_the_persona_switch_decides_who_asks(serve, visit):
    gateway = await serve(SANDBOX)
    seen = await ready(visit, gateway)
    await expect(seen.page.get_by_role("status")).to_contain_text("Token until")
    assert set(gateway.authorizations("IntrospectionQuery")) == {"Bearer clinician-1"}

    await seen.page.get_by_label("Persona").select_option("Patient")
    await expect(seen.page.get_by_role("status")).to_contain_text("Token until")
    await run(seen.page)
    await expect(response(seen.page)).to_contain_text("Ada")
    assert gateway.authorizations("Summary") == ["Bearer patient-2"]
    assert gateway.authorizations("IntrospectionQuery")[-1] == "Bearer patient-2"

    await seen.page.get_by_label("Persona").select_option("Nobody (no token)")
    await run(seen.page)
    await expect(response(seen.page)).to_contain_text("Ada")
    assert gateway.authorizations("Summary")[-1] == ""


async def test_an_expired_token_is_renewed_before_it_is_used(serve, visit):
    gateway = await serve(SANDBOX, token_lifetime=1)
    seen = await ready(visit, gateway)
    await run(seen.page)
    await expect(response(seen.page)).to_contain_text("Ada")
    assert gateway.tokens > 1
    assert gateway.authorizations("Summary") == [f"Bearer clinician-{gateway.tokens}"]


async def test_the_newest_choice_counts_when_an_earlier_token_comes_late(serve, visit):
    held = {"clinician": asyncio.Event(), "patient": asyncio.Event()}
    gateway = await serve(SANDBOX, held=held)
    seen = await ready(visit, gateway)
    await run(seen.page)
    await seen.page.get_by_label("Persona").select_option("Patient")
    held["clinician"].set()
    await seen.page.wait_for_event("requestfinished", lambda r: r.url.endswith("/demo/token"))
    assert gateway.asked == []

    held["patient"].set()
    await expect(response(seen.page)).to_contain_text("Ada")
    assert gateway.authorizations("Summary") == ["Bearer patient-2"]


async def test_a_refused_token_is_said_and_nothing_is_sent_in_its_place(serve, visit):
    gateway = await serve(SANDBOX, refuses_tokens=True)
    seen = await ready(visit, gateway)
    said = "No token: the issuer answered 403"
    await expect(seen.page.get_by_role("status")).to_have_text(said)
    await run(seen.page)
    await expect(response(seen.page)).to_contain_text("Ada")
    assert gateway.authorizations("Summary") == [""]


async def test_nothing_outlives_the_tab(serve, visit):
    gateway = await serve(SANDBOX)
    seen = await ready(visit, gateway)
    await run(seen.page)
    await expect(response(seen.page)).to_contain_text("Ada")
    # GraphiQL stores what is edited half a second later.
    await seen.page.wait_for_timeout(700)
    kept = "[localStorage.length, sessionStorage.length, document.cookie, location.search]"
    assert await seen.page.evaluate(kept) == [0, 0, "", ""]
    assert await seen.page.evaluate("indexedDB.databases()") == []


async def test_the_plan_tab_explains_the_operation_and_its_last_answer(serve, visit):
    gateway = await serve(SANDBOX)
    seen = await ready(visit, gateway)
    await seen.page.get_by_role("button", name="Show Plan").click()
    plan = seen.page.get_by_role("region", name="Plan", exact=True)
    await expect(plan).to_contain_text("Fetch(p-1)")
    await expect(plan.get_by_role("region", name="cost")).to_contain_text("12")
    await expect(plan.get_by_role("table")).to_contain_text("permit")
    await expect(plan).to_contain_text("Bearer clinician-1")
    assert gateway.authorizations("Summary") == []

    await run(seen.page)
    await expect(plan).to_contain_text("records")
    await seen.page.get_by_label("Persona").select_option("Patient")
    await plan.get_by_role("button", name="Explain this operation").click()
    await expect(plan).to_contain_text("Bearer patient-2")
    assert seen.problems == []


async def test_examples_open_in_tabs_of_their_own(serve, visit):
    gateway = await serve(SANDBOX)
    seen = await ready(visit, gateway)
    tabs = seen.page.get_by_role("tab")
    await seen.page.get_by_label("Example").select_option("Greeting")
    await expect(tabs).to_have_count(2)
    await run(seen.page)
    await expect(response(seen.page)).to_contain_text("greeting")
    await seen.page.get_by_label("Example").select_option("Patient summary")
    await expect(seen.page.locator(".graphiql-query-editor")).to_contain_text("Summary")
    await expect(tabs).to_have_count(2)


async def test_markup_in_a_schema_or_an_answer_stays_text(serve, visit):
    gateway = await serve(SANDBOX)
    seen = await ready(visit, gateway)
    await seen.page.get_by_role("button", name="Show Documentation Explorer").click()
    docs = seen.page.locator(".graphiql-plugin")
    await expect(docs).to_contain_text("<img src=x onerror=")
    await expect(docs.get_by_role("img", name="root type icon")).to_be_visible()
    await docs.get_by_role("link", name="Query", exact=True).click()
    await docs.get_by_role("link", name="patient", exact=True).click()
    await expect(docs).to_contain_text("<img src=x onerror=")
    assert await docs.locator("img, [href^='javascript']").count() == 0

    await seen.page.locator(".graphiql-query-editor").get_by_text("patient", exact=True).hover()
    hover = seen.page.locator(".monaco-hover-content").last
    await expect(hover).to_contain_text("click")
    assert await hover.locator("img, [href^='javascript']").count() == 0
    await seen.page.get_by_label("Example").select_option("Greeting")
    await run(seen.page)
    await expect(response(seen.page)).to_contain_text("onerror")
    assert await seen.page.evaluate("window.stolen") is None
    assert not any(url.endswith("/x") for url in seen.requests)
    assert seen.problems == []


async def test_any_supergraph_is_shown_without_a_sandbox(serve, visit):
    gateway = await serve(PageConfig())
    seen = await ready(visit, gateway)
    assert await seen.page.get_by_label("Persona").count() == 0
    assert await seen.page.get_by_label("Example").count() == 0
    assert set(gateway.authorizations("IntrospectionQuery")) == {""}
    await seen.page.get_by_role("button", name="Show Plan").click()
    plan = seen.page.get_by_role("region", name="Plan", exact=True)
    await expect(plan).to_contain_text("Run an operation")
    assert seen.problems == []


async def test_everything_to_operate_has_a_name(serve, visit):
    gateway = await serve(SANDBOX)
    seen = await ready(visit, gateway)
    unnamed = await seen.page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, a[href]')]
            .filter((e) => !(e.ariaLabel || e.title || e.textContent.trim() || e.labels?.length))
            .map((e) => e.outerHTML)"""
    )
    assert json.dumps(unnamed) == "[]"
