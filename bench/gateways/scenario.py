"""A small clinic in three subgraphs: who there is, who met whom and when, what was measured."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

from graphql import (
    GraphQLSchema,
    build_schema,
    graphql_sync,
)

from gateway.composition import SubgraphInput, compose
from gateway.federation.supergraph import load_supergraph

PEOPLE: Final = 60
DOCTORS: Final = 6
VISITS_EACH: Final = 3
PORT: Final = 4470

Tree = dict[str, Any]

_LINK: Final = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key"{}])'
)
# What only some may see; every user of the benchmark may.
_PROTECTED: Final = {
    "born: Int!": 'born: Int! @requiresScopes(scopes: [["user/Patient.rs"]])',
    "city: String!": 'city: String! @requiresScopes(scopes: [["user/Patient.rs"]])',
    "value: Float!": 'value: Float! @requiresScopes(scopes: [["user/Patient.rs"]])',
}
SUBGRAPHS: Final = {
    "people": """
        type Query { clinic: Clinic! people(first: Int!): [Person!]! }
        type Clinic { id: ID! name: String! city: String! }
        type Person @key(fields: "id") { id: ID! name: String! born: Int! }
        type Doctor @key(fields: "id") { id: ID! name: String! }
    """,
    "visits": """
        type Person @key(fields: "id") { id: ID! visits: [Visit!]! }
        type Doctor @key(fields: "id") { id: ID! visits(first: Int!): [Visit!]! }
        type Visit @key(fields: "id") { id: ID! day: String! person: Person! doctor: Doctor! }
    """,
    "labs": """
        type Visit @key(fields: "id") { id: ID! labs: [Lab!]! }
        type Lab { code: String! value: Float! unit: String! }
    """,
}

OPERATIONS: Final = {
    "small": "{ clinic { id name city } }",
    "medium": "{ people(first: 5) { id name born visits { id day labs { code value unit } } } }",
    "heavy": """{ people(first: 60) { id name born visits { id day labs { code value unit }
        doctor { id name visits(first: 4) { id day person { id name born }
            labs { code value unit } } } } } }""",
}


def sdl(name: str, *, protected: bool = False) -> str:
    text = SUBGRAPHS[name]
    if not protected:
        return _LINK.format("") + text
    for field, only_for_some in _PROTECTED.items():
        text = text.replace(field, only_for_some)
    return _LINK.format(', "@requiresScopes"') + text


def supergraph(*, protected: bool = False) -> str:
    """`protected` says that some fields require a scope."""
    named = [SubgraphInput(name, url(name), sdl(name, protected=protected)) for name in SUBGRAPHS]
    return compose(named).sdl


def url(name: str) -> str:
    return f"http://127.0.0.1:{PORT}/{name}"


def answer(name: str, body: bytes) -> bytes:
    """What a subgraph says."""
    request = json.loads(body)
    result = graphql_sync(
        _schema(name), request["query"], _root(), variable_values=request.get("variables")
    )
    return json.dumps(result.formatted).encode()


def expected(operation: str) -> Tree:
    """The answer as graphql-core gives it, from all data at once and with no federation."""
    schema = load_supergraph(supergraph()).full_schema
    return dict(graphql_sync(schema, OPERATIONS[operation], _root()).formatted)


@cache
def _schema(name: str) -> GraphQLSchema:
    types = {"people": "Person | Doctor", "visits": "Person | Doctor | Visit", "labs": "Visit"}[
        name
    ]
    query = "extend type Query" if name == "people" else "type Query"
    return build_schema(
        f"""
        directive @key(fields: String!) repeatable on OBJECT
        scalar _Any
        union _Entity = {types}
        {SUBGRAPHS[name]}
        {query} {{ _entities(representations: [_Any!]!): [_Entity]! }}
        """
    )


@cache
def _root() -> Tree:
    doctors: list[Tree] = [
        {"__typename": "Doctor", "id": f"d{n}", "name": f"Doctor Number {n}", "all": []}
        for n in range(DOCTORS)
    ]
    people = [_person(n, doctors) for n in range(PEOPLE)]
    for doctor in doctors:
        doctor["visits"] = _first(doctor["all"])
    visits = [visit for person in people for visit in person["visits"]]
    known = {each["id"]: each for each in (*doctors, *people, *visits)}
    return {
        "clinic": {"id": "c1", "name": "Lakeside General", "city": "Lakeside"},
        "people": _first(people),
        "_entities": lambda _, representations: [known[each["id"]] for each in representations],
    }


def _person(number: int, doctors: list[Tree]) -> Tree:
    person: Tree = {
        "__typename": "Person",
        "id": f"p{number}",
        "name": f"Person Number {number}",
        "born": 1930 + number,
        "visits": [],
    }
    for n in range(VISITS_EACH):
        doctor = doctors[(number + n) % DOCTORS]
        visit = {
            "__typename": "Visit",
            "id": f"v{number}-{n}",
            "day": f"2026-0{n + 1}-{number % 28 + 1:02}",
            "person": person,
            "doctor": doctor,
            "labs": [
                {"code": f"{1000 + k}-{k}", "value": number + k / 4, "unit": "mg/dL"}
                for k in range(3)
            ],
        }
        person["visits"].append(visit)
        doctor["all"].append(visit)
    return person


def _first(rows: list[Tree]) -> Any:
    return lambda _, first: rows[:first]
