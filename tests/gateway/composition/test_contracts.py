"""A contract's supergraph is planned and served as any other, and only what it shows."""

import pytest
from graphql import parse, validate

from gateway.composition import Contract, SubgraphInput, compose
from tests.gateway.federated.kit import LINK, Case, Federation, Subgraph, Suite

TAGGED = LINK.replace('"@key"', '"@key" "@tag"')

SUITE = Suite(
    "contract",
    {
        "people": Subgraph(
            f"""{TAGGED}
            type Query {{ person: Person @tag(name: "public") }}
            type Person @key(fields: "id") {{ id: ID! mass: Int }}
            """,
            roots={"person": {"__typename": "Person", "id": "1", "mass": 70}},
            rows={"Person": [{"id": "1", "mass": 70}]},
        ),
        "wards": Subgraph(
            f"""{TAGGED}
            type Person @key(fields: "id") {{
              id: ID!
              mass: Int @external
              dose: Int @requires(fields: "mass") @tag(name: "public")
            }}
            """,
            rows={"Person": [{"id": "1"}]},
            computed={"Person.dose": lambda row: row["mass"] * 2},
        ),
    },
    (),
)


@pytest.fixture
def federation():
    inputs = [
        SubgraphInput(name, f"http://{name}", subgraph.sdl)
        for name, subgraph in SUITE.subgraphs.items()
    ]
    contract = Contract(include=frozenset({"public"}))
    return Federation(SUITE, compose(inputs, contract).sdl)


async def test_hidden_keys_and_requirements_are_still_fetched(federation):
    case = Case("dose", "{ person { dose } }", {"person": {"dose": 140}}, requests=2)
    answer = await federation.ask(case)
    assert answer.data == case.data
    assert [subgraph for subgraph, _ in federation.requests] == ["people", "wards"]


@pytest.mark.parametrize("field", ["id", "mass"])
def test_what_is_hidden_cannot_be_asked_for(federation, field):
    assert validate(federation.engine.schema, parse(f"{{ person {{ {field} }} }}"))
