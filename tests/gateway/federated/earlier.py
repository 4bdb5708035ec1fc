"""A Federation 1 subgraph: no link, `extend type`, external keys that it resolves all the same."""

from tests.gateway.federated.kit import LINK, Case, Subgraph, Suite

ADA = {"id": "1", "name": "Ada", "born": 1815}

MODERN = Subgraph(
    LINK
    + """
    type Query { patients: [Patient!]! }
    type Patient @key(fields: "id") { id: ID! name: String born: Int }
    """,
    roots={"patients": [ADA]},
    rows={"Patient": [ADA]},
)
EARLIER = Subgraph(
    """
    type Query { oldest: Patient }
    extend type Patient @key(fields: "id") {
      id: ID! @external
      born: Int @external
      age: String @requires(fields: "born")
      claims: [Claim!]
    }
    type Claim { amount: Float }
    """,
    roots={"oldest": {"id": "1", "claims": [{"amount": 1.5}]}},
    rows={"Patient": [{"id": "1", "claims": [{"amount": 1.5}]}]},
    computed={"Patient.age": lambda row: f"since {row['born']}"},
)

SUITE = Suite(
    "earlier",
    {"modern": MODERN, "earlier": EARLIER},
    (
        Case(
            "an extended type, with a requirement",
            "{ patients { name age claims { amount } } }",
            {"patients": [{"name": "Ada", "age": "since 1815", "claims": [{"amount": 1.5}]}]},
            requests=2,
        ),
        Case(
            "an external key is known where the type is extended",
            "{ oldest { id claims { amount } } }",
            {"oldest": {"id": "1", "claims": [{"amount": 1.5}]}},
            requests=1,
        ),
        Case(
            "out for a requirement and back again",
            "{ oldest { name age } }",
            {"oldest": {"name": "Ada", "age": "since 1815"}},
            requests=3,
        ),
    ),
)
