"""Headers from subgraphs on sockets to a client on a socket, and only those that are listed."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web

from gateway.app import create_app
from gateway.settings import Settings
from tests.gateway.support.server import served
from tests.gateway.support.subgraph import SUPERGRAPH

BOTH = '{ patient(id: "p-1") { name } weather }'
ANSWERS = {
    "records": b'{"data":{"patient":{"name":"Lovelace"}}}',
    "weather": b'{"data":{"weather":"fine"}}',
}
CACHED = ("cache-control", "public, max-age=60")


@asynccontextmanager
async def subgraph(answer: bytes, headers):
    async def handle(_):
        type_ = "text/html" if answer.startswith(b"<") else "application/json"
        response = web.Response(body=answer, content_type=type_)
        for name, value in headers:
            response.headers.add(name, value)
        return response

    app = web.Application()
    app.router.add_post("/graphql", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/graphql"
    await runner.cleanup()


@pytest.fixture
async def ask(tmp_path, http):
    """The headers that a client gets whose subgraphs answer with those given."""
    path = tmp_path / "supergraph.graphql"
    path.write_text(SUPERGRAPH)

    async with AsyncExitStack() as running:

        async def ask_gateway(listed, records=(), weather=(), query=BOTH, answers=ANSWERS):
            given = {"records": records, "weather": weather}
            urls = {
                name: await running.enter_async_context(subgraph(answers[name], headers))
                for name, headers in given.items()
            }
            settings = Settings(
                supergraph=path,
                home=tmp_path,
                dev=True,
                subgraph_urls=urls,
                response_headers=listed,
            )
            url = await running.enter_async_context(served(create_app(settings)))
            async with http.post(f"{url}/graphql", json={"query": query}) as response:
                assert response.status == 200
                return response.headers

        yield ask_gateway


async def test_what_is_listed_reaches_the_client(ask):
    headers = await ask(
        ("X-Cost", "x-region=first", "set-cookie"),
        [("X-Cost", "1"), ("x-region", "north"), ("set-cookie", "a=1"), ("set-cookie", "b=2")],
        [("x-cost", "2"), ("x-region", "south"), ("x-secret", "3"), ("set-cookie", "a=1")],
    )
    assert headers.getall("x-cost") == ["1, 2"]
    assert headers.getall("x-region") == ["north"]
    assert headers.getall("set-cookie") == ["a=1", "b=2"]
    assert headers.getall("cache-control") == ["no-store"]
    assert "x-secret" not in headers


async def test_nothing_is_listed_of_its_own_accord(ask):
    headers = await ask((), [("x-cost", "1"), CACHED], [CACHED])
    assert "x-cost" not in headers
    assert headers.getall("cache-control") == ["no-store"]


@pytest.mark.parametrize(
    ("weather", "caching"),
    [
        ([("cache-control", "max-age=30")], "private, max-age=30"),
        ([("cache-control", "no-store")], "no-store"),
        ([], "no-store"),
    ],
)
async def test_caching_is_as_the_strictest_wants_it(ask, weather, caching):
    headers = await ask(("cache-control",), [CACHED], weather)
    assert headers.getall("cache-control") == [caching]


async def test_an_answer_with_an_error_is_not_kept(ask):
    answers = ANSWERS | {"weather": b'{"data":{"weather":null},"errors":[{"message":"no"}]}'}
    headers = await ask(("cache-control",), [CACHED], [CACHED], answers=answers)
    assert headers.getall("cache-control") == ["no-store"]


async def test_what_is_no_answer_brings_no_headers(ask):
    answers = ANSWERS | {"weather": b"<html>"}
    headers = await ask(("x-cost",), [("x-cost", "1")], [("x-cost", "2")], answers=answers)
    assert headers.getall("x-cost") == ["1"]


@pytest.mark.parametrize(("report", "cost"), [("signed", "1"), ("missing", None)])
async def test_what_is_kept_back_brings_no_headers(start, issuer, report, cost):
    gateway = await start(response_headers=("x-cost",))
    gateway.records.report = report
    gateway.records.answer_headers = [(b"x-cost", b"1")]
    reply = await gateway.post({"query": '{ patient(id: "p-1") { name } }'}, issuer.token())
    assert reply.headers.get("x-cost") == cost


async def test_where_no_subgraph_is_asked_there_is_nothing_to_keep(ask):
    headers = await ask(("cache-control", "x-cost"), query="{ __typename }")
    assert headers.getall("cache-control") == ["no-store"]
    assert "x-cost" not in headers
