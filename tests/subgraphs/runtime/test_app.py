"""The ASGI application: contexts, refusals, masked errors, probes."""

import json

import pytest

from contract.access import verify_report
from contract.context import HEADER, Caller, Context, body_hash, sign_context
from subgraphs.runtime import app as app_module

BROKEN = json.dumps({"query": "{broken}"}).encode()
SDL = json.dumps({"query": "{_service{sdl}}"}).encode()


def code(reply):
    return json.loads(reply.body)["errors"][0]["extensions"]["code"]


async def test_refuses_a_request_without_a_context(notes):
    reply = await notes.http(body=BROKEN)
    assert (reply.status, code(reply)) == (401, "CONTEXT_REFUSED")


@pytest.mark.parametrize(
    "changes",
    [
        {"audience": "records"},
        {"body": "0" * 64},
        {"issued_at": 0},
    ],
)
async def test_refuses_a_context_that_does_not_fit(notes, changes):
    reply = await notes.http(body=SDL, headers=notes.signed(SDL, None, **changes))
    assert (reply.status, code(reply)) == (401, "CONTEXT_REFUSED")


async def test_development_needs_no_context_but_only_on_this_machine(make_notes):
    notes = make_notes(dev=True)
    assert (await notes.http(body=SDL)).status == 200
    assert (await notes.http(body=SDL, client="10.0.0.7")).status == 401
    # A context that is sent is verified all the same.
    assert (await notes.http(body=SDL, headers=[(b"chartgraph-context", b"x.y")])).status == 401


async def test_development_sees_as_a_developer_and_reports_to_nobody(make_notes, wire):
    notes = make_notes(dev=True)
    notes.north.resources = [wire("1", "n-ada", text="hello"), wire("2", "n-ada", "HIV", text="x")]
    query = "query($r:[_Any!]!){_entities(representations:$r){...on Patient{notes{nodes{text}}}}}"
    body = json.dumps({"query": query, "variables": {"r": [notes.patient("ada")]}}).encode()
    answer = json.loads((await notes.http(body=body)).body)
    assert answer == {"data": {"_entities": [{"notes": {"nodes": [{"text": "hello"}]}}]}}


async def test_nobody_signed_in_sees_nothing(notes, wire):
    notes.north.resources = [wire("1", "n-ada", text="hello")]
    query = "query($r:[_Any!]!){_entities(representations:$r){...on Patient{notes{nodes{text}}}}}"
    body = json.dumps({"query": query, "variables": {"r": [notes.patient("ada")]}}).encode()
    answer = json.loads((await notes.http(body=body, headers=notes.signed(body, None))).body)
    assert answer["data"] == {"_entities": [{"notes": {"nodes": []}}]}
    assert notes.north.asked == []


async def test_signs_the_access_report_of_every_answer(notes):
    reply = await notes.http(body=SDL, headers=notes.signed(SDL, Caller(subject="x")))
    signed = json.loads(reply.body)["extensions"]["access"]
    report = verify_report(signed, subgraph="notes", request_id="r1", key=b"k" * 32)
    assert (report.patients, report.refusals) == ((), ())


async def test_an_exception_never_shows_its_text(notes, capsys):
    answer = await notes.ask("{broken}")
    (error,) = answer["errors"]
    assert answer["data"] == {"broken": None}
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["path"] == ["broken"]
    assert "Lovelace" not in str(answer)
    printed = capsys.readouterr()
    assert "Lovelace" not in printed.out + printed.err
    assert "RuntimeError" in printed.out + printed.err


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ('{ssn(of: "123-45-6789")}', "GRAPHQL_VALIDATION_FAILED"),
        ("query A{broken} query B{broken}", "OPERATION_RESOLUTION_FAILURE"),
        ('{echo(on: "yesterday")}', "BAD_USER_INPUT"),
    ],
)
async def test_complains_about_a_document_without_quoting_it(notes, query, expected):
    answer = await notes.ask(query)
    assert [error["extensions"]["code"] for error in answer["errors"]] == [expected]
    answer.pop("report", None)
    assert "123-45" not in json.dumps(answer)


async def test_complains_about_a_variable_without_quoting_it(notes):
    answer = await notes.ask("query($s:Int!){echo(size:$s)}", s="123-45-6789")
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["variable"] == "s"
    del answer["report"]
    assert "123-45" not in json.dumps(answer)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query": 7}', b"\xff"])
async def test_refuses_what_is_no_graphql_request(notes, body):
    reply = await notes.http(body=body, headers=notes.signed(body, None))
    assert (reply.status, code(reply)) == (400, "BAD_REQUEST")


async def test_bounds_the_body(notes, monkeypatch):
    monkeypatch.setattr(app_module, "MAX_BODY", 10)
    reply = await notes.http(body=SDL, headers=notes.signed(SDL, None))
    assert (reply.status, code(reply)) == (413, "PAYLOAD_TOO_LARGE")


async def test_probes_need_no_context(notes):
    assert (await notes.http("GET", "/health")).status == 200
    assert (await notes.http("GET", "/ready")).status == 200
    notes.is_up = False
    assert (await notes.http("GET", "/ready")).status == 503
    assert (await notes.http("GET", "/health")).status == 200


async def test_other_methods_and_paths(notes):
    assert (await notes.http("GET", "/graphql")).status == 405
    assert (await notes.http("GET", "/")).status == 404


async def test_prints_the_schema_once_and_parses_a_document_once(notes, monkeypatch):
    first = await notes.ask("{_service{sdl}}")
    assert "type Patient" in first["data"]["_service"]["sdl"]
    for name in ("parse", "validate"):
        monkeypatch.setattr(f"subgraphs.runtime.execution.{name}", None)
    monkeypatch.setattr("strawberry.federation.schema.print_schema", None)
    monkeypatch.setattr("strawberry.schema.schema.print_schema", None)
    assert await notes.ask("{_service{sdl}}") == first


async def test_a_key_is_changed_without_an_outage(make_notes):
    """The subgraph is given the next key, then the gateway has it, then the old one goes."""
    old, new = b"k" * 32, b"n" * 32
    steps = [({"1": old}, old), ({"1": old, "2": new}, old), ({"1": old, "2": new}, new)]
    for keys, gateways in [*steps, ({"1": new}, new)]:
        notes = make_notes()
        notes.app.keys = keys
        context = Context("notes", body_hash(SDL), int(notes.app.clock()), "r1", None)
        headers = [(HEADER.encode(), sign_context(context, gateways).encode())]
        reply = await notes.http(body=SDL, headers=headers)
        assert reply.status == 200
        signed = json.loads(reply.body)["extensions"]["access"]
        assert verify_report(signed, subgraph="notes", request_id="r1", key=gateways)
