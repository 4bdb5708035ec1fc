"""Interfaces and unions: a protected field is refused on every way to it, and never fetched.

The gateway is real, its subgraphs are scripted; they record what they are asked.
"""

from __future__ import annotations

import re

import pytest

from gateway.authorization.identity import Grants
from gateway.execution.wire import encode
from tests.security.scripted_gateway import Gateway


@pytest.fixture
def gateway():
    return Gateway()


WAYS = [
    pytest.param("{ entries { title } }", id="interface field"),
    pytest.param("{ entries { alias: title } }", id="under an alias"),
    pytest.param("{ entries { ... on Note { title } } }", id="type under its interface"),
    pytest.param(
        "{ entries { ... on Node { ... on Note { title } } } }", id="by another interface"
    ),
    pytest.param("{ entries { ...F } } fragment F on Entry { title }", id="fragment on it"),
    pytest.param(
        "{ nodes { ...F } } fragment F on Node { ...G } fragment G on Note { title }",
        id="nested fragments",
    ),
    pytest.param("{ found { ... on Note { title } } }", id="union member"),
    pytest.param("{ found { ... on Entry { title } } }", id="interface under a union"),
    pytest.param("{ found { ... on Node { ... on Entry { title } } } }", id="two under a union"),
    pytest.param('{ node(id: "n") { ... on Entry { title } } }', id="node"),
    pytest.param("{ entries { ... @include(if: true) { title } } }", id="always included"),
    pytest.param(
        "query($v: Boolean = true) { entries { title @include(if: $v) } }", id="by a default"
    ),
    pytest.param(
        "query($v: Boolean = false) { entries { ... @skip(if: $v) { title } } }",
        id="not skipped by a default",
    ),
    pytest.param("{ entries { a: title b: title title } }", id="three times"),
]


@pytest.mark.parametrize("query", WAYS)
async def test_a_protected_field_is_refused_on_every_way(gateway, query):
    answer = await gateway.ask(query)
    assert "SECRET" not in encode(answer.data).decode()
    assert {error.fault.code for error in answer.errors} == {"SCOPE_REQUIRED"}
    # For visits it may be fetched, for notes it is not.
    assert not any(re.search(r"on Note ?\{[^}]*title", asked) for asked in gateway.asked)


@pytest.mark.parametrize("query", WAYS)
async def test_and_permitted_on_every_way(gateway, query):
    answer = await gateway.ask(
        query, Grants(authenticated=True, scopes=frozenset({"notes", "memos"}))
    )
    assert "SECRET" in encode(answer.data).decode()
    assert answer.errors == ()


@pytest.mark.parametrize(
    "query",
    [
        "query($v: Boolean = true) { entries { id title @skip(if: $v) } }",
        "{ entries { id ... @include(if: false) { title } } }",
    ],
)
async def test_what_is_left_out_anyway_is_no_denial(gateway, query):
    answer = await gateway.ask(query, Grants(authenticated=True, scopes=frozenset({"memos"})))
    assert [entry["id"] for entry in answer.data["entries"]] == ["v", "n", "SECRET"]
    assert answer.errors == ()


@pytest.mark.parametrize(
    "query",
    [
        "{ vault { __typename } }",
        "{ v: vault { __typename } }",
        "{ entries { ... on Memo { __typename } } }",
        "{ found { ... on Memo { kind: __typename } } }",
        "{ found { __typename } }",
        "{ entries { id ...F } } fragment F on Node { __typename }",
    ],
)
async def test_a_type_s_name_is_as_protected_as_the_type(gateway, query):
    answer = await gateway.ask(query)
    shown = encode(answer.data).decode()
    assert "Vault" not in shown
    assert "Memo" not in shown


async def test_a_field_that_requires_a_protected_one_is_protected(gateway):
    """GHSA-m8jr-fxqx-8xx6."""
    answer = await gateway.ask("{ person { name risk } }")
    assert answer.data == {"person": {"name": "Ada", "risk": None}}
    assert [error.fault.code for error in answer.errors] == ["FORBIDDEN"]
    assert all("ssn" not in asked for asked in gateway.asked)


async def test_a_refused_field_that_is_never_null_takes_its_object_along(gateway):
    """The null is the object's, told alike whether the value is there or not."""
    answer = await gateway.ask("{ found { ... on Memo { id } ... on Visit { id } } }")
    assert answer.data == {"found": [{"id": "v"}, {}, {}, None]}
    assert [(error.fault.code, error.path) for error in answer.errors] == [
        ("SCOPE_REQUIRED", ("found", 3, "id"))
    ]


async def test_a_value_s_type_protects_every_field_that_returns_it(gateway):
    answer = await gateway.ask("{ person { mood } }")
    assert answer.data == {"person": {"mood": None}}
    assert all("mood" not in asked for asked in gateway.asked)


async def test_what_a_subgraph_sends_unasked_does_not_leave(gateway):
    answer = await gateway.ask("{ person { name } }")
    assert answer.data == {"person": {"name": "Ada"}}


async def test_each_caller_is_told_the_scopes_that_caller_lacks(gateway):
    """The answer's shape is cached; the words about a refusal were another caller's."""
    query = '{ node(id: "n") { ... on Note { text title } } }'
    told = []
    for scopes in ({"read"}, {"notes"}, {"read"}):
        answer = await gateway.ask(query, Grants(authenticated=True, scopes=frozenset(scopes)))
        told.append([error.fault.extensions["scopes"] for error in answer.errors])
    assert told[0] == told[2]
    assert len(told[0]) == 2
    assert told[1] == [(("notes", "read"), ("all",))]
