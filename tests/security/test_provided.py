"""A protected field stays protected where another subgraph brings it along (@provides)."""

from __future__ import annotations

import json

import pytest
from graphql import parse

from contract.errors import Code
from gateway.authorization.identity import Grants
from gateway.composition import SubgraphInput, compose
from gateway.decision import decide
from gateway.engine import Engine
from gateway.execution.wire import encode
from gateway.federation.access_rules import access_rules
from gateway.federation.supergraph import load_supergraph
from tests.security.supergraphs import LINK

PEOPLE = """
type Query { person: Person }
type Person @key(fields: "id") {
  id: ID!
  ssn: String @shareable @requiresScopes(scopes: [["ssn"]])
}
"""
VISITS = """
type Query { visit: Visit }
type Visit { id: ID  person: Person @provides(fields: "ssn") }
type Person @key(fields: "id") { id: ID!  ssn: String @external }
"""
WAYS = [
    pytest.param("{ visit { person { ssn } } }", id="where it is provided"),
    pytest.param("{ visit { person { s: ssn } } }", id="under an alias"),
    pytest.param("{ person { ssn } }", id="where it is at home"),
    pytest.param(
        "{ visit { ... { person { ...F } } } } fragment F on Person { ssn }", id="fragment"
    ),
]


class Gateway:
    def __init__(self):
        inputs = [
            SubgraphInput(name, f"http://{name}", LINK + sdl)
            for name, sdl in (("people", PEOPLE), ("visits", VISITS))
        ]
        supergraph = load_supergraph(compose(inputs).sdl)
        self.engine, self.rules = Engine(supergraph, {}), access_rules(supergraph)
        self.asked = []

    async def send(self, _subgraph, body, _kind):
        self.asked.append(json.loads(body)["query"])
        person = {"id": "p", "__typename": "Person", "ssn": "SECRET", "s": "SECRET"}
        return encode({"data": {"visit": {"person": person}, "person": person}})

    async def ask(self, text, *scopes):
        grants = Grants(authenticated=True, scopes=frozenset(scopes))
        operation = self.engine.normalize(parse(text), None)
        return await self.engine.run(
            operation,
            {},
            self.send,
            authorize=lambda it: decide(it, self.rules, grants, self.engine.schema).permitted,
        )


@pytest.mark.parametrize("query", WAYS)
async def test_it_is_refused_and_not_asked_for(query):
    gateway = Gateway()
    answer = await gateway.ask(query)
    assert "SECRET" not in encode(answer.data).decode()
    assert [error.fault.code for error in answer.errors] == [Code.SCOPE_REQUIRED]
    assert not any("ssn" in asked for asked in gateway.asked)


@pytest.mark.parametrize("query", WAYS)
async def test_and_shown_to_who_may_see_it(query):
    answer = await Gateway().ask(query, "ssn")
    assert "SECRET" in encode(answer.data).decode()
