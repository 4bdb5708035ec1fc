"""What changes answer with, what events bring and what comes later is decided as a query is."""

from __future__ import annotations

import json
import re

import pytest

from gateway.authorization.identity import Grants
from gateway.execution.wire import encode
from tests.security.scripted_gateway import MEMO, NOTE, VISIT, Gateway

READER = Grants(authenticated=True, scopes=frozenset({"notes", "memos"}))


@pytest.fixture
def gateway():
    return Gateway()


def codes(errors):
    return {error.fault.code for error in errors}


PAYLOADS = [
    pytest.param('mutation { sign(id: "n") { ... on Note { title } } }', id="member"),
    pytest.param('mutation { s: sign(id: "n") { ... on Note { t: title } } }', id="aliases"),
    pytest.param('mutation { sign(id: "n") { ...F } } fragment F on Note { title }', id="fragment"),
    pytest.param('mutation { sign(id: "n") { ... on Entry { title } } }', id="interface"),
    pytest.param(
        'mutation($v: Boolean = true) { sign(id: "n") { ... on Note @include(if: $v) { title } } }',
        id="condition",
    ),
]


@pytest.mark.parametrize("query", PAYLOADS)
async def test_a_mutations_payload_is_filtered(gateway, query):
    answer = await gateway.ask(query)
    assert "SECRET" not in encode(answer.data).decode()
    assert codes(answer.errors) == {"SCOPE_REQUIRED"}
    assert not any("title" in asked for asked in gateway.asked)
    assert "SECRET" in encode((await gateway.ask(query, READER)).data).decode()


async def test_a_mutation_that_is_refused_does_not_run(gateway):
    answer = await gateway.ask("mutation { merge { name } }")
    assert answer.data == {"merge": None}
    assert codes(answer.errors) == {"FORBIDDEN"}
    assert gateway.asked == []


async def test_beside_one_that_is_permitted_neither(gateway):
    answer = await gateway.ask('mutation { merge { name } sign(id: "n") { __typename } }')
    assert answer.data == {"merge": None, "sign": {"__typename": "Note"}}
    assert codes(answer.errors) == {"FORBIDDEN"}
    assert all("merge" not in asked for asked in gateway.asked)


EVENTS = "subscription { written { id title ... on Visit { price } } }"


@pytest.mark.parametrize(
    ("node", "shown"),
    [
        pytest.param(NOTE, {"id": "n", "title": None}, id="a field of it"),
        pytest.param(VISIT, {"id": "v", "title": "A visit", "price": None}, id="by a policy"),
        pytest.param(MEMO, None, id="the whole of it"),
    ],
)
async def test_every_event_is_filtered_the_first_as_the_later(gateway, node, shown):
    subscription = gateway.subscribe(EVENTS)
    for _ in range(3):
        answer = await gateway.hear(subscription, {"data": {"written": node}})
        assert "SECRET" not in encode(answer.data).decode()
        assert answer.errors
        written = answer.data["written"]
        assert (written and {**written}) == shown or set(written.values()) == {None}


async def test_an_events_fields_are_not_even_asked_for(gateway):
    _, body = gateway.subscribe(EVENTS).source
    query = json.loads(body)["query"]
    assert "price" not in query
    assert not re.search(r"on Note ?\{[^}]*title", query)
    assert "on Memo" not in query
    assert (
        "price"
        in json.loads(
            gateway.subscribe(
                EVENTS, Grants(authenticated=True, policies=frozenset({"billing"}))
            ).source[1]
        )["query"]
    )


@pytest.mark.parametrize(
    "query", ["subscription { opened { plain } }", "subscription { merged { name } }"]
)
async def test_what_is_refused_whole_is_not_listened_to(gateway, query):
    subscription = gateway.subscribe(query)
    assert subscription.source is None
    answer = await gateway.hear(subscription, {"data": {"opened": {"plain": "SECRET"}}})
    assert set(answer.data.values()) == {None}
    assert codes(answer.errors) <= {"SCOPE_REQUIRED", "FORBIDDEN"}


DEFERRED = [
    pytest.param("{ person { name ... @defer { ssn } } }", id="a field"),
    pytest.param("{ person { name ... @defer { s: ssn } } }", id="under an alias"),
    pytest.param("{ person { name ...F @defer } } fragment F on Person { ssn }", id="a fragment"),
    pytest.param("{ person { ... @defer { name ... @defer { ssn } } } }", id="within another"),
    pytest.param("{ ... @defer { person { ssn } } }", id="at the root"),
    pytest.param("{ person { name ... @defer { risk } } }", id="by what it requires"),
    pytest.param("{ found { ... on Note { id ... @defer { title } } } }", id="a member's"),
    pytest.param("{ person { ssn ... @defer { ssn name } } }", id="at once and later"),
    pytest.param('mutation { sign(id: "n") { ... on Note @defer { title } } }', id="a payload's"),
    pytest.param("{ person { name ... @defer(if: true) { ssn } } }", id="on a condition"),
]


@pytest.mark.parametrize("query", DEFERRED)
async def test_no_part_brings_what_is_refused(gateway, query):
    parts = await gateway.parts(query)
    told = [part.data for part in parts[:1]]
    errors = [*parts[0].errors]
    for part in parts[1:]:
        told += [each.data for each in part.increments]
        errors += [error for each in part.increments for error in each.errors]
    assert "SECRET" not in encode(told).decode()
    assert codes(errors) <= {"FORBIDDEN", "SCOPE_REQUIRED"}
    assert errors
    assert not any(re.search(r"\bssn\b|on Note ?\{[^}]*title", asked) for asked in gateway.asked)


@pytest.mark.parametrize("query", DEFERRED)
async def test_and_all_of_them_together_say_what_one_answer_says(gateway, query):
    at_once = await gateway.ask(query)
    parts = await gateway.parts(query)
    errors = [*parts[0].errors]
    errors += [e for part in parts[1:] for each in part.increments for e in each.errors]
    assert {error.path for error in errors} == {error.path for error in at_once.errors}
