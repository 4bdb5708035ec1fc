"""A request's whole way: who asks, what is left of it, what is sent, what is written down."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest

from contract.audit_chain import DATABASE, audit_keys
from contract.context import HEADER
from gateway.audit.verify import read_records, verify
from gateway.planning import PlanError
from tests.gateway.support.subgraph import PATIENT

NAME = '{ patient(id: "p-1") { name } }'
SSN = '{ patient(id: "p-1") { name ssn } }'


def records_of(gateway):
    settings = gateway.app.settings
    keys = audit_keys(settings.key)
    assert verify(settings.home, keys) == ()
    return list(read_records(settings.home, keys))


async def test_answers(start, issuer):
    gateway = await start()
    answer = await gateway.ask(NAME, issuer.token())
    assert answer == {"data": {"patient": {"name": PATIENT["name"]}}}


async def test_an_unknown_id_is_null(start, issuer):
    gateway = await start()
    assert await gateway.ask('{ patient(id: "p-2") { name } }', issuer.token()) == {
        "data": {"patient": None}
    }


@pytest.mark.parametrize(
    ("token", "code", "challenge"),
    [
        pytest.param(lambda _: None, "UNAUTHENTICATED", 'Bearer realm="chartgraph"', id="none"),
        pytest.param(
            lambda issuer: issuer.token(exp=1_000_000),
            "TOKEN_EXPIRED",
            'Bearer realm="chartgraph", error="invalid_token"',
            id="expired",
        ),
        pytest.param(
            lambda issuer: issuer.token() + "x",
            "TOKEN_INVALID",
            'Bearer realm="chartgraph", error="invalid_token"',
            id="forged",
        ),
    ],
)
@pytest.mark.parametrize(
    "query", [NAME, "{ nope }", "{ __typename }", "{ __schema { types { name } } }"]
)
async def test_who_is_not_signed_in_learns_nothing(start, issuer, token, code, challenge, query):
    gateway = await start()
    reply = await gateway.post({"query": query}, token(issuer))
    assert (reply.status, reply.codes) == (401, [code])
    assert reply.headers["www-authenticate"] == challenge
    assert gateway.records.documents == []


async def test_another_scheme_is_no_sign_in(start):
    gateway = await start()
    reply = await gateway.post({"query": NAME}, authorization="Basic YTpi")
    assert (reply.status, reply.codes) == (401, ["UNAUTHENTICATED"])


async def test_what_is_denied_is_never_fetched(start, issuer):
    gateway = await start()
    answer = await gateway.ask(SSN, issuer.token(scope="user/Patient.rs"))
    assert answer["data"] == {"patient": {"name": PATIENT["name"], "ssn": None}}
    (error,) = answer["errors"]
    assert error["path"] == ["patient", "ssn"]
    assert error["extensions"]["code"] == "SCOPE_REQUIRED"
    assert error["extensions"]["scopes"] == [["user/Patient.rs", "ssn"]]
    assert "ssn" not in gateway.records.documents[0]


async def test_what_is_permitted_is_fetched(start, issuer):
    gateway = await start()
    answer = await gateway.ask(SSN, issuer.token(scope="user/*.read ssn"))
    assert answer == {"data": {"patient": {"name": PATIENT["name"], "ssn": PATIENT["ssn"]}}}


@pytest.mark.parametrize(
    "query",
    [
        "{ entries { id title } }",
        "{ entries { id ... on Note { title } ... on Visit { title } } }",
        "{ entries { ...e } } fragment e on Entry { id ... { title } }",
    ],
)
async def test_a_field_that_one_type_protects_is_fetched_for_the_others(start, issuer, query):
    gateway = await start()
    answer = await gateway.ask(query, issuer.token())
    assert answer["data"]["entries"] == [
        {"id": "v-1", "title": "A visit"},
        {"id": "n-1", "title": None},
    ]
    (error,) = answer["errors"]
    assert error["path"] == ["entries", 1, "title"]
    assert error["extensions"]["scopes"] == [["notes"]]
    (document,) = gateway.records.documents
    assert document.replace(" ", "").count("title") == 1
    permitted = await gateway.ask(query, issuer.token(scope="notes"))
    assert permitted["data"]["entries"][1]["title"] == "Lovelace was here"


async def test_one_callers_rights_are_not_anothers(start, issuer):
    """The same document, one after the other: what is cached depends on the grants."""
    gateway = await start()
    full, poor = issuer.token(scope="user/*.rs ssn"), issuer.token(scope="user/*.rs")
    for token, expected in ((full, PATIENT["ssn"]), (poor, None), (full, PATIENT["ssn"])):
        assert (await gateway.ask(SSN, token))["data"]["patient"]["ssn"] == expected


async def test_signs_a_context_for_our_own_subgraphs_only(start, issuer):
    gateway = await start(propagate_headers=("X-Trace",))
    token = issuer.token(scope="user/*.rs")
    headers = {"x_trace": "t-1", "x_other": "o-1", "chartgraph_context": "forged"}
    await gateway.post({"query": '{ patient(id: "p-1") { name } weather }'}, token, **headers)
    (context,) = gateway.records.contexts
    assert context.caller.subject == "practitioner-7"
    assert context.caller.scopes == ("user/*.rs",)
    assert context.nonce is None
    assert gateway.records.headers[0].keys() == {"x-trace", HEADER}
    assert gateway.weather.headers == [{"x-trace": "t-1"}]


async def test_a_mutation_carries_a_nonce(start, issuer):
    gateway = await start()
    query = 'mutation { rename(id: "p-1", name: "Ada") { name } }'
    for _ in range(2):
        answer = await gateway.ask(query, issuer.token())
        assert answer == {"data": {"rename": {"name": "Ada"}}}
    first, second = (context.nonce for context in gateway.records.contexts)
    assert first
    assert first != second


async def test_only_a_query_may_reach_a_subgraph_twice(start, issuer):
    gateway = await start()
    await gateway.ask('mutation { rename(id: "p-1", name: "Ada") { name } }', issuer.token())
    await gateway.ask('{ patient(id: "p-1") { name } weather }', issuer.token())
    assert gateway.records.repeatable == [False, True]
    assert gateway.weather.repeatable == [True]


@pytest.mark.parametrize("report", ["missing", "forged", "replayed", "nonsense"])
async def test_data_without_a_valid_access_report_does_not_leave(start, issuer, report):
    gateway = await start()
    gateway.records.report = report
    reply = await gateway.post({"query": '{ patient(id: "p-1") { name } weather }'}, issuer.token())
    assert reply.json["data"] == {"patient": None, "weather": "fine"}
    assert reply.codes == ["SUBGRAPH_INVALID_RESPONSE"]
    assert PATIENT["name"].encode() not in reply.body
    (record,) = records_of(gateway)
    assert record.codes == ("SUBGRAPH_INVALID_RESPONSE",)


async def test_an_error_without_data_owes_no_report(start, issuer):
    gateway = await start()
    gateway.records.answer = (
        b'{"data":null,"errors":[{"message":"x","extensions":{"code":"NOT_FOUND"}}]}'
    )
    reply = await gateway.post({"query": NAME}, issuer.token())
    assert reply.codes == ["NOT_FOUND"]


async def test_a_subgraph_that_is_down_leaves_the_rest(start, issuer):
    gateway = await start()
    gateway.records.down = True
    answer = await gateway.ask('{ patient(id: "p-1") { name } weather }', issuer.token())
    assert answer["data"] == {"patient": None, "weather": "fine"}
    assert answer["errors"][0]["extensions"]["code"] == "SUBGRAPH_UNAVAILABLE"


async def test_names_the_subgraph_to_developers_only(start, issuer):
    for closed, named in ((True, False), (False, True)):
        gateway = await start(closed=closed)
        gateway.records.down = True
        answer = await gateway.ask(NAME, issuer.token())
        assert ("subgraph" in answer["errors"][0]["extensions"]) is named


async def test_writes_down_who_asked_and_whose_records_were_read(start, issuer):
    gateway = await start()
    query = "query Summary($id: ID!) { patient(id: $id) { name ssn } }"
    reply = await gateway.post(
        {"query": query, "variables": {"id": "p-1"}}, issuer.token(scope="user/Patient.rs")
    )
    (record,) = records_of(gateway)
    assert record.request_id == reply.headers["x-request-id"]
    assert record.caller.subject == "practitioner-7"
    assert record.operation_name == "Summary"
    assert '"id":"p-1"' in record.request
    assert record.patients == ("p-1",)
    assert [each.reason for each in record.refusals] == ["label"]
    assert record.denials == ("Patient.ssn",)
    assert record.codes == ("SCOPE_REQUIRED",)


async def test_what_was_read_is_written_down_even_if_the_answer_fails(start, issuer, monkeypatch):
    gateway = await start()
    run = gateway.app.assembly.pipeline._engine.run

    async def broken(*arguments, **options):
        await run(*arguments, **options)
        raise KeyError("a bug")

    monkeypatch.setattr(gateway.app.assembly.pipeline._engine, "run", broken)
    reply = await gateway.post({"query": NAME}, issuer.token())
    assert (reply.status, reply.codes) == (500, ["INTERNAL"])
    (record,) = records_of(gateway)
    assert (record.patients, record.codes) == (("p-1",), ("INTERNAL",))


async def test_a_refused_request_reads_nothing_and_leaves_no_record(start, issuer):
    gateway = await start()
    query = "query ($id: ID!) { patient(id: $id) { name } }"
    assert (await gateway.post({"query": query}, issuer.token())).codes == ["BAD_USER_INPUT"]
    assert records_of(gateway) == []


async def test_nothing_leaves_that_cannot_be_written_down(start, issuer):
    gateway = await start()
    token = issuer.token()
    await gateway.ask(NAME, token)
    connection = sqlite3.connect(gateway.app.settings.home / DATABASE)
    connection.execute("ALTER TABLE audit RENAME TO elsewhere")
    connection.commit()
    reply = await gateway.post({"query": NAME}, token)
    assert (reply.status, reply.codes) == (503, ["AUDIT_UNAVAILABLE"])
    assert PATIENT["name"].encode() not in reply.body
    connection.execute("ALTER TABLE elsewhere RENAME TO audit")
    connection.commit()
    connection.close()
    assert (await gateway.post({"query": NAME}, token)).status == 200


async def test_an_operation_that_nests_too_deep_is_refused(start, issuer):
    """Fragments are levels that the limit of depth, which counts fields, does not see."""
    gateway = await start()
    query = f"{{ {'... on Query { ' * 150}weather{' }' * 150} }}"
    reply = await gateway.post({"query": query}, issuer.token())
    assert reply.codes == ["OPERATION_TOO_LARGE"]
    assert (await gateway.ask("{ weather }", issuer.token())) == {"data": {"weather": "fine"}}


async def test_an_operation_without_a_plan_is_answered_with_null(
    start, issuer, monkeypatch, capsys
):
    def no_way(*_):
        raise PlanError("no way to Patient.name")

    gateway = await start()
    monkeypatch.setattr("gateway.engine.plan", no_way)
    reply = await gateway.post({"query": NAME}, issuer.token())
    assert (reply.status, reply.codes, reply.json["data"]) == (200, ["PLAN_FAILED"], None)
    assert gateway.app.metrics.registry.get_sample_value("chartgraph_plans_failed_total") == 1
    [line] = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (line["event"], line["reason"]) == ("plan_failed", "no way to Patient.name")
    assert [record.codes for record in records_of(gateway)] == [("PLAN_FAILED",)]


async def test_a_subgraph_that_fails_is_counted_and_logged(start, issuer, capsys):
    gateway = await start()
    gateway.weather.down = True
    answer = await gateway.ask('{ weather patient(id: "p-1") { name } }', issuer.token())
    assert answer["data"] == {"weather": None, "patient": {"name": PATIENT["name"]}}
    labels = {"subgraph": "weather", "code": "SUBGRAPH_UNAVAILABLE"}
    registry = gateway.app.metrics.registry
    assert registry.get_sample_value("chartgraph_subgraph_errors_total", labels) == 1
    [line] = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (line["event"], line["subgraph"]) == ("subgraph_failed", "weather")
    assert line["reason"] == "it is down"
    assert line["request_id"] == answer["errors"][0]["extensions"]["requestId"]


async def test_a_development_gateway_asks_for_no_sign_in_and_keeps_no_trail(start):
    gateway = await start(dev=True, issuers=())
    answer = await gateway.ask(SSN)
    assert answer["data"]["patient"]["ssn"] == PATIENT["ssn"]
    assert not (gateway.app.settings.home / DATABASE).exists()
    assert gateway.records.contexts[0].caller.subject == "developer"


@pytest.mark.parametrize(
    ("settings", "roles", "permitted"),
    [
        ({"closed": False}, [], True),
        ({"closed": True}, [], False),
        ({"closed": True, "introspection_roles": {"developer"}}, ["developer"], True),
        ({"closed": True, "introspection_roles": {"developer"}}, ["clinician"], False),
    ],
)
async def test_who_may_introspect(start, issuer, settings, roles, permitted):
    gateway = await start(**settings)
    for query in ("{ __schema { queryType { name } } }", '{ a: __type(name: "Patient") { name } }'):
        reply = await gateway.post({"query": query}, issuer.token(roles=roles))
        assert reply.codes == ([] if permitted else ["INTROSPECTION_DISABLED"])


async def test_anonymous_introspection_opens_nothing_else(start):
    gateway = await start(closed=False, allow_anonymous_introspection=True)
    assert (await gateway.ask("{ __schema { queryType { name } } }"))["data"]
    for query in (NAME, "{ weather }", "{ __schema { queryType { name } } weather }"):
        reply = await gateway.post({"query": query})
        assert (reply.status, reply.codes) == (401, ["UNAUTHENTICATED"])


async def test_explains_a_plan(start, issuer):
    gateway = await start(closed=False)
    async with gateway.http.post(
        f"{gateway.url}/plan",
        json={"query": SSN},
        headers={"authorization": f"Bearer {issuer.token(scope='user/Patient.rs')}"},
    ) as response:
        explained = await response.json()
    assert "Fetch(records)" in explained["plan"]
    assert "ssn" not in explained["plan"]
    assert explained["cost"] == {
        "requests": 1,
        "depth": 1,
        "requestedQueryCost": 1,
        "maximum": 25_000,
    }
    [denied] = explained["denied"]
    assert (denied["field"], denied["on"]) == ("patient.ssn", "Patient")
    assert denied["code"] == "SCOPE_REQUIRED"
    assert denied["would do"]
    decisions = {each["field"]: each for each in explained["decisions"]}
    assert decisions["patient.ssn"]["decision"] == "refused"
    assert decisions["patient.ssn"]["because"] == "lacks the scope user/Patient.rs and ssn"
    assert gateway.records.documents == []
    closed = await start()
    async with gateway.http.post(f"{closed.url}/plan", json={"query": SSN}) as response:
        assert response.status == 404


async def test_a_reload_exchanges_the_schema_under_way(start, issuer):
    gateway = await start(closed=False)
    token = issuer.token(scope="user/*.rs ssn")
    gateway.records.gate = asyncio.Event()
    under_way = asyncio.create_task(gateway.ask(SSN, token))
    await asyncio.wait_for(gateway.records.arrived.wait(), timeout=10)
    path = gateway.app.settings.supergraph
    path.write_text(path.read_text().replace("ssn: String", "secret: String"))
    await gateway.app.reload()
    gateway.records.gate.set()
    assert (await under_way)["data"]["patient"]["ssn"] == PATIENT["ssn"]
    reply = await gateway.post({"query": SSN}, token)
    assert reply.codes == ["GRAPHQL_VALIDATION_FAILED"]


@pytest.mark.parametrize("sdl", ["", "type Query { a: Int }", "{", None])
async def test_a_bad_supergraph_changes_nothing(start, issuer, sdl, capsys):
    gateway = await start()
    path = gateway.app.settings.supergraph
    path.unlink() if sdl is None else path.write_text(sdl)
    await gateway.app.reload()
    assert "reload_refused" in capsys.readouterr().err
    assert (await gateway.ask(NAME, issuer.token()))["data"]


@pytest.mark.parametrize(
    "query",
    [
        "{ weathr }",
        "{ weather(dais: 1) }",
        "{ entries { ... on Visitt { id } } }",
        "query($x: Sting) { weather(at: $x) }",
    ],
)
async def test_only_developers_are_told_what_they_may_have_meant(start, issuer, query):
    """Whoever guesses names would otherwise read a schema that is closed to them."""
    closed = await start(introspection_roles={"developer"})
    told = await closed.post({"query": query}, issuer.token(roles=["developer"]))
    assert told.codes[0] == "GRAPHQL_VALIDATION_FAILED"
    assert b"Did you mean" not in told.body
    opened = await start(closed=False)
    assert b"Did you mean" in (await opened.post({"query": query}, issuer.token())).body
