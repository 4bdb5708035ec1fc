"""GraphQL over HTTP: what is taken, what is refused, and how it is said."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlencode

import pytest
from aiohttp import web

from gateway.documents.prepare import hash_text

HELLO = "{ weather }"
JSON = "application/json; charset=utf-8"
GRAPHQL = "application/graphql-response+json; charset=utf-8"


@pytest.fixture
async def gateway(start):
    return await start(dev=True, issuers=(), signed_subgraphs=frozenset())


@pytest.fixture
async def closed(start):
    return await start()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half"),
        pytest.param(b"null", id="null"),
        pytest.param(b"7", id="a number"),
        pytest.param(b'"x"', id="a string"),
        pytest.param(b"[]", id="an empty batch"),
        pytest.param(b'[{"query":"{ weather }"}]', id="a batch"),
        pytest.param(b"{}", id="no query"),
        pytest.param(b'{"query":null}', id="null query"),
        pytest.param(b'{"query":7}', id="numeric query"),
        pytest.param(b'{"query":["{ weather }"]}', id="list query"),
        pytest.param(b'{"query":"{ weather }","operationName":7}', id="numeric name"),
        pytest.param(b'{"query":"{ weather }","variables":"x"}', id="variables text"),
        pytest.param(b'{"query":"{ weather }","variables":[7]}', id="variables list"),
        pytest.param(b'{"query":"{ weather }","extensions":"x"}', id="extensions text"),
        pytest.param(
            b'{"query":"{ weather }","extensions":{"persistedQuery":"x"}}', id="persisted text"
        ),
        pytest.param(
            b'{"extensions":{"persistedQuery":{"version":1,"sha256Hash":7}}}', id="persisted number"
        ),
        pytest.param(b'{"query":"{ \xff }"}', id="invalid UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"query":"{ weather }"}', id="byte order mark"),
        pytest.param('{"query":"{ weather }"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(
            b'{"query":"{ weather }","variables":{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
            id="deep",
        ),
        pytest.param(b'{"query":"{ weather }","variables":{"a":1e999999999}}x', id="trailing"),
    ],
)
async def test_refuses_what_is_no_request(gateway, body):
    for accept in ("application/json", "application/graphql-response+json"):
        reply = await gateway.post(body, accept=accept)
        assert (reply.status, reply.codes) == (400, ["BAD_REQUEST"])
        assert "data" not in reply.json


async def test_takes_nulls_for_what_is_optional(gateway):
    body = {"query": HELLO, "operationName": None, "variables": None, "extensions": None}
    assert (await gateway.post(body)).json == {"data": {"weather": "fine"}}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-7",
        "application/json; charset=cesu-8",
        "application/json; charset=utf-16",
        "application/jsonx",
        "",
    ],
)
async def test_refuses_other_types(gateway, content_type):
    reply = await gateway.post({"query": HELLO}, content_type=content_type)
    assert (reply.status, reply.codes) == (415, ["UNSUPPORTED_MEDIA_TYPE"])


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'],
)
async def test_takes_json(gateway, content_type):
    assert (await gateway.post({"query": HELLO}, content_type=content_type)).status == 200


async def test_refuses_compressed_bodies(gateway):
    reply = await gateway.post({"query": HELLO}, content_encoding="gzip")
    assert (reply.status, reply.codes) == (415, ["UNSUPPORTED_MEDIA_TYPE"])


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json, application/json", GRAPHQL),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("application/json;q=1, application/graphql-response+json;q=0.5", JSON),
        (
            "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
            GRAPHQL,
        ),
        ("text/html", JSON),
        ("application/graphql-response+json;q=0", JSON),
        ("application/graphql-response+json;q=nonsense, */*;q=0.1", JSON),
    ],
)
async def test_answers_in_the_type_that_is_asked_for(gateway, accept, expected):
    headers = {"accept": accept} if accept else {"accept": ""}
    reply = await gateway.post({"query": HELLO}, **headers)
    assert reply.headers["content-type"] == expected


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nope }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": HELLO, "operationName": "Nope"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query A { weather } query B { weather }"}, "OPERATION_RESOLUTION_FAILURE"),
        (
            {"query": "query ($d: Int!) { weather(days: $d) }", "variables": {"d": "Lovelace"}},
            "BAD_USER_INPUT",
        ),
        ({"query": "query ($d: Int!) { weather(days: $d) }"}, "BAD_USER_INPUT"),
    ],
)
async def test_says_that_an_operation_cannot_run(gateway, body, code):
    for accept, status in (("application/json", 200), ("application/graphql-response+json", 400)):
        reply = await gateway.post(body, accept=accept)
        assert (reply.status, reply.codes) == (status, [code])
        assert "data" not in reply.json
        assert b"Lovelace" not in reply.body
        (error,) = reply.json["errors"]
        assert error["message"]
        assert error["extensions"]["mend"]
        assert error["extensions"]["requestId"] == reply.headers["x-request-id"]


async def test_tells_everyone_not_to_keep_or_guess_it(gateway):
    for body in ({"query": HELLO}, {"query": "{"}, {}):
        headers = (await gateway.post(body)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert not any(name.lower().startswith("access-control") for name in headers)


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "HEAD"])
async def test_refuses_other_methods(gateway, method):
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    async with gateway.http.request(method, f"{gateway.url}/graphql", headers=headers) as response:
        assert response.status == 405
        assert response.headers["allow"] == "GET, POST"
        assert "access-control-allow-origin" not in response.headers


async def get(gateway, token=None, headers=None, **parameters):
    given = {} if token is None else {"authorization": f"Bearer {token}"}
    url = f"{gateway.url}/graphql?{urlencode(parameters)}"
    async with gateway.http.get(url, headers=given | (headers or {})) as response:
        body = await response.json(content_type=None)
        codes = [error["extensions"]["code"] for error in body.get("errors", [])]
        return response.status, codes, body.get("data")


async def test_developers_may_use_get(gateway):
    assert await get(gateway, query=HELLO) == (200, [], {"weather": "fine"})
    query = "query ($d: Int) { weather(days: $d) }"
    assert (await get(gateway, query=query, variables='{"d": 3}'))[0] == 200
    assert (await get(gateway, query=query, variables="{", extensions="{}"))[1] == ["BAD_REQUEST"]
    assert (await get(gateway, query=query, variables="7"))[1] == ["BAD_REQUEST"]
    assert (await get(gateway))[1] == ["BAD_REQUEST"]


async def test_get_changes_nothing(gateway):
    mutation = 'mutation { rename(id: "p-1", name: "Ada") { name } }'
    status, codes, data = await get(gateway, query=mutation)
    assert (status, codes, data) == (405, ["METHOD_NOT_ALLOWED"], None)
    assert gateway.records.documents == []


async def test_get_with_the_type_of_a_form_is_refused(gateway):
    status, codes, _ = await get(gateway, headers={"content-type": "text/plain"}, query=HELLO)
    assert (status, codes) == (415, ["UNSUPPORTED_MEDIA_TYPE"])


async def test_a_closed_gateway_takes_no_phi_in_urls(start, issuer, tmp_path):
    manifest = tmp_path / "manifest.json"
    query = "query ($d: Int) { weather(days: $d) }"
    manifest.write_text(json.dumps({"hello": HELLO, "days": query}))
    gateway = await start(trusted_documents={"*": manifest})
    token = issuer.token()
    assert await get(gateway, token, documentId="hello") == (200, [], {"weather": "fine"})
    for parameters in (
        {"query": HELLO},
        {"documentId": "days", "variables": '{"d": 3}'},
        {"documentId": "hello", "query": HELLO},
        {"extensions": json.dumps({"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}})},
    ):
        assert (await get(gateway, token, **parameters))[:2] == (405, ["METHOD_NOT_ALLOWED"])


async def test_names_a_registered_document(start, issuer, tmp_path):
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"hello": HELLO}))
    gateway = await start(trusted_documents={"portal": manifest}, trusted_only=True)
    for body in (
        {"documentId": "hello"},
        {"doc_id": "hello"},
        {"id": "hello"},
        {"documentId": f"sha256:{hash_text(HELLO)}"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_text(HELLO)}}},
    ):
        reply = await gateway.post(body, issuer.token())
        assert reply.json == {"data": {"weather": "fine"}}
    for body in ({"query": "{ w: weather }"}, {"documentId": "nope"}):
        reply = await gateway.post(body, issuer.token())
        assert (reply.status, reply.codes) == (403, ["TRUSTED_DOCUMENT_REQUIRED"])
    reply = await gateway.post({"documentId": "hello"}, issuer.token(client_id="partner"))
    assert reply.codes == ["TRUSTED_DOCUMENT_REQUIRED"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("application/json", 200), ("application/graphql-response+json", 404)],
)
async def test_an_unknown_hash_is_no_success_but_to_clients_that_know_only_json(
    gateway, accept, expected
):
    body = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
    reply = await gateway.post(body, accept=accept)
    assert (reply.status, reply.codes) == (expected, ["PERSISTED_QUERY_NOT_FOUND"])
    assert reply.json["errors"][0]["message"] == "PersistedQueryNotFound"


async def test_refuses_too_large_a_body(gateway):
    reply = await gateway.post(b'{"query":"' + b"x" * 1_000_001 + b'"}')
    assert (reply.status, reply.codes) == (413, ["PAYLOAD_TOO_LARGE"])


async def test_refuses_an_endless_body(gateway):
    """Without a length, in pieces, for as long as it is let."""
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
    )
    piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    for _ in range(17):
        writer.write(piece)
        await writer.drain()
    status = await reader.readline()
    assert b"413" in status
    writer.close()


async def test_survives_a_client_that_hangs_up(gateway):
    host, port = gateway.url.removeprefix("http://").split(":")
    head = b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    for sent in (
        head + b'content-length: 100\r\n\r\n{"query":',
        b"POST /graphql HTTP/1.1\r\nhost: x",
        b"\x16\x03\x01\x00",
    ):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(sent)
        await writer.drain()
        writer.close()
    assert (await gateway.post({"query": HELLO})).status == 200


async def test_hostile_names_stay_data(gateway):
    reply = await gateway.post(
        {"query": "{ __class__: weather __proto__: weather __dict__: weather }"}
    )
    assert reply.json["data"] == {"__class__": "fine", "__proto__": "fine", "__dict__": "fine"}


async def test_a_bug_is_not_shown(gateway, monkeypatch):
    def broken(*_args, **_kwargs):
        raise KeyError("Lovelace")

    monkeypatch.setattr(gateway.app.assembly.pipeline.preparation, "select", broken)
    reply = await gateway.post({"query": HELLO})
    assert (reply.status, reply.codes) == (500, ["INTERNAL"])
    assert b"Lovelace" not in reply.body


async def test_health_readiness_and_metrics(closed, issuer):
    async def fetch(path):
        async with closed.http.get(closed.url + path) as response:
            return response.status, await response.text()

    assert await fetch("/health") == (200, '{"status":"ok"}')
    await closed.ask(HELLO, issuer.token())
    status, body = await fetch("/ready")
    assert (status, json.loads(body)) == (
        200,
        {
            "status": "ready",
            "checks": {"schema": True, "issuers": True, "audit": True},
            "reload": "taken",
        },
    )
    await closed.ask("{ nope }", issuer.token())
    _, text = await fetch("/metrics")
    assert 'chartgraph_requests_total{code="OK"} 1.0' in text
    assert 'chartgraph_requests_total{code="GRAPHQL_VALIDATION_FAILED"} 1.0' in text
    assert "chartgraph_audit_records_total 1.0" in text


async def test_is_not_ready_without_its_issuer(start, issuer):
    issuer.answer = lambda: web.Response(status=500)
    gateway = await start(redis_url="unix:///nobody/there.sock")
    async with gateway.http.get(f"{gateway.url}/ready") as response:
        body = await response.json()
        assert response.status == 503
        assert body["checks"] == {"schema": True, "issuers": False, "redis": False, "audit": True}


async def test_what_is_for_developers_is_closed(closed, gateway):
    for path in ("/", "/graphiql/", "/docs", "/openapi.json"):
        async with closed.http.get(closed.url + path, allow_redirects=False) as response:
            assert response.status == 404
    async with gateway.http.get(gateway.url + "/") as response:
        assert response.status == 200
        assert str(response.url).endswith("/graphiql/")
        assert "default-src 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("127.0.0.1:1", 200), ("[::1]:80", 200), ("evil.example", 403), ("", 403)],
)
async def test_a_development_gateway_answers_to_loopback_names_only(
    gateway, closed, issuer, host, status
):
    """Else a page could have its own name point here, and ask as if it were of our origin."""
    assert (await gateway.post({"query": HELLO}, host=host)).status == status
    assert (await closed.post({"query": HELLO}, issuer.token(), host="api.example")).status == 200


async def test_turns_away_what_is_too_many(start):
    gateway = await start(dev=True, signed_subgraphs=frozenset(), max_in_flight=2)
    gateway.weather.gate = asyncio.Event()
    asking = [asyncio.create_task(gateway.post({"query": HELLO})) for _ in range(5)]
    refused = []
    for done in asyncio.as_completed(asking):
        refused.append(await done)
        if len(refused) == 3:
            gateway.weather.gate.set()
    assert [reply.status for reply in refused] == [503] * 3 + [200] * 2
    assert refused[0].codes == ["OVERLOADED"]
    assert refused[0].headers["retry-after"] == "1"
    in_flight = "chartgraph_requests_in_flight"
    assert gateway.app.metrics.registry.get_sample_value(in_flight) == 0
    assert (await gateway.post({"query": HELLO})).status == 200


async def test_the_plan_is_read_as_strictly(gateway):
    for headers, status in (({"content-type": "text/plain"}, 415), ({}, 200)):
        given = {"content-type": "application/json"} | headers
        async with gateway.http.post(
            f"{gateway.url}/plan", data=b'{"query":"{ weather }"}', headers=given
        ) as response:
            assert response.status == status


async def test_many_at_once(gateway):
    replies = await asyncio.gather(*(gateway.post({"query": HELLO}) for _ in range(50)))
    assert {reply.status for reply in replies} == {200}


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_what_is_too_large_is_refused_by_status_too(gateway, accept):
    """Whoever stands between, and counts attacks, has to see it."""
    reply = await gateway.post({"query": "{" + "weather " * 3000 + "}"}, accept=accept)
    assert (reply.status, reply.codes) == (400, ["OPERATION_TOO_LARGE"])
