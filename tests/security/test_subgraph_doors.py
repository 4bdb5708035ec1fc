"""Our subgraphs open to the gateway's signed context and to nothing else: 401 for all the rest."""

from __future__ import annotations

import json
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from contract.context import HEADER, MAX_AGE, Caller, Context, body_hash, sign_context
from contract.errors import Code
from contract.keys import derive_key
from subgraphs.catalog import NAMES, open_subgraphs
from subgraphs.runtime.settings import RuntimeSettings
from tests.subgraphs.signed import post

MASTER = b"m" * 32
CALLER = Caller("c", roles=("clinician",), scopes=("user/*.rs",))
BODIES = {
    "a query": {"query": "{ __typename }"},
    "the schema": {"query": "{ _service { sdl } }"},
    "entities": {
        "query": "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }",
        "variables": {"r": [{"__typename": "Patient", "id": "x"}]},
    },
    "introspection": {"query": "{ __schema { types { name } } }"},
    "a change": {"query": "mutation { __typename }"},
    "events": {"query": "subscription { __typename }"},
}


@pytest.fixture
async def apps(tmp_path: Path):
    (tmp_path / "master.key").write_bytes(MASTER)
    (tmp_path / "sources.yaml").write_text("sources: {}\n")
    settings = RuntimeSettings(home=tmp_path, sources=tmp_path / "sources.yaml")
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(open_subgraphs(NAMES, settings))


def context(name, body, *, key=None, **changes):
    claims = {"audience": name, "body": body_hash(body), "issued_at": int(time.time())}
    made = Context(**{**claims, "request_id": "r", "caller": CALLER, **changes})
    return sign_context(made, key or derive_key(MASTER, f"context:{name}"))


def edited(header):
    """Its claims changed, its signature kept."""
    claims, _, mac = header.partition(".")
    other = "A" if claims[20] != "A" else "B"
    return f"{claims[:20]}{other}{claims[21:]}.{mac}"


DOORS = {
    "none": lambda _name, _body: None,
    "empty": lambda _name, _body: "",
    "nonsense": lambda _name, _body: "a.b",
    "unsigned": lambda name, body: context(name, body).partition(".")[0] + ".",
    "edited": lambda name, body: edited(context(name, body)),
    "old": lambda n, b: context(n, b, issued_at=int(time.time()) - MAX_AGE - 5),
    "of tomorrow": lambda n, b: context(n, b, issued_at=int(time.time()) + MAX_AGE + 5),
    "for another body": lambda n, b: context(n, b + b" "),
    "for another subgraph": lambda n, b: context(
        "other", b, key=derive_key(MASTER, f"context:{n}")
    ),
    "another subgraph's": lambda _n, b: context("records" if _n != "records" else "identity", b),
    "under another subgraph's key": lambda n, b: context(
        n, b, key=derive_key(MASTER, "context:other")
    ),
    "under the facts' key": lambda n, b: context(n, b, key=derive_key(MASTER, "access-facts")),
    "under no key": lambda n, b: context(n, b, key=b"\0" * 32),
}


@pytest.mark.parametrize("door", DOORS)
async def test_every_subgraph_refuses(apps, door):
    for name, app in apps.items():
        for body in (json.dumps(each).encode() for each in BODIES.values()):
            header = DOORS[door](name, body)
            headers = [(b"accept", b"application/json, text/event-stream")]
            headers += [] if header is None else [(HEADER.encode(), header.encode())]
            status, answer = await post(app, "/graphql", body, headers)
            assert status == 401
            (error,) = json.loads(answer)["errors"]
            assert error["extensions"]["code"] == Code.CONTEXT_REFUSED
            assert "data" not in json.loads(answer)


async def test_the_right_one_opens(apps):
    body = json.dumps(BODIES["a query"]).encode()
    for name, app in apps.items():
        status, _ = await post(
            app, "/graphql", body, [(HEADER.encode(), context(name, body).encode())]
        )
        assert status == 200


FACTS = {
    "none": None,
    "empty": "",
    "nonsense": "a.b",
    "edited": lambda body: edited(facts_context(body)),
    "old": lambda body: facts_context(body, issued_at=int(time.time()) - MAX_AGE - 5),
    "of tomorrow": lambda body: facts_context(body, issued_at=int(time.time()) + MAX_AGE + 5),
    "for another body": lambda body: facts_context(body + b" "),
    "for identity": lambda body: facts_context(body, audience="identity"),
    "identity's own": lambda body: context("identity", body),
    "under identity's key": lambda body: context("access-facts", body, key=IDENTITYS),
    "under no key": lambda body: context("access-facts", body, key=b"\0" * 32),
}
IDENTITYS = derive_key(MASTER, "context:identity")


def facts_context(body, **changes):
    return context("access-facts", body, key=derive_key(MASTER, "access-facts"), **changes)


@pytest.mark.parametrize("door", FACTS)
async def test_the_access_facts_are_as_closed(apps, door):
    body = b'{"members":[]}'
    header = FACTS[door](body) if callable(FACTS[door]) else FACTS[door]
    headers = [] if header is None else [(HEADER.encode(), header.encode())]
    status, answer = await post(apps["identity"], "/access-facts", body, headers)
    assert status == 401
    assert Code.CONTEXT_REFUSED in answer.decode()


async def test_the_right_context_opens_the_access_facts(apps):
    body = b'{"members":[]}'
    headers = [(HEADER.encode(), facts_context(body).encode())]
    assert (await post(apps["identity"], "/access-facts", body, headers))[0] == 200


async def test_no_subgraph_has_a_route_that_nothing_closes(apps):
    """Each answers 401 or 404 to whoever has no signature of ours, or of the vendor's."""
    for app in apps.values():
        for path in ("/graphql", *app.routes):
            status, _ = await post(app, path, b"{}", [])
            assert status in (401, 403, 404)


async def test_a_context_without_a_caller_sees_nobody(apps):
    body = json.dumps({"query": "{ patients { nodes { id } } me { subject } }"}).encode()
    header = context("identity", body, caller=None)
    _, answer = await post(apps["identity"], "/graphql", body, [(HEADER.encode(), header.encode())])
    assert json.loads(answer)["data"] == {"patients": {"nodes": []}, "me": None}


@pytest.mark.parametrize(
    "path",
    ["/webhooks/graphql", "/webhooks/", "/webhooks/access-facts", "/access-facts", "/subgraphs"],
)
def test_the_gateway_lends_no_door(demo, path):
    response = demo.http.post(f"{demo.gateway}{path}", json=BODIES["the schema"])
    assert response.status_code == 404
    assert "sdl" not in response.text
