"""Interfaces: spread over subgraphs, or known to one of them as a single object."""

from tests.gateway.federated.kit import LINK, Case, Subgraph, Suite

NORA = {"__typename": "Nurse", "id": "1", "name": "Nora", "ward": "B"}
DAVE = {"__typename": "Doctor", "id": "2", "name": "Dave", "specialty": "heart"}

STAFF = Subgraph(
    LINK
    + """
    type Query { people: [Person!]! person(id: ID!): Person }
    interface Person @key(fields: "id") { id: ID! name: String }
    type Nurse implements Person @key(fields: "id") { id: ID! name: String ward: String }
    type Doctor implements Person @key(fields: "id") { id: ID! name: String specialty: String }
    """,
    roots={
        "people": [NORA, DAVE],
        "person": lambda **by: next((p for p in (NORA, DAVE) if p["id"] == by["id"]), None),
    },
    rows={"Person": [NORA, DAVE], "Nurse": [NORA], "Doctor": [DAVE]},
)
ROSTER = Subgraph(
    LINK
    + """
    type Query { onCall: [Person!]! }
    type Person @key(fields: "id") @interfaceObject {
      id: ID! shift: String
      name: String @external
      badge: String @requires(fields: "name")
    }
    """,
    roots={"onCall": [{"id": "2", "shift": "night"}, {"id": "1", "shift": "day"}]},
    rows={"Person": [{"id": "1", "shift": "day"}, {"id": "2", "shift": "night"}]},
    computed={"Person.badge": lambda row: f"Hello, {row['name']}"},
)
BEDS = Subgraph(
    LINK + 'type Nurse @key(fields: "id") { id: ID! beds: Int }',
    rows={"Nurse": [{"id": "1", "beds": 12}]},
)

SUITE = Suite(
    "interfaces",
    {"staff": STAFF, "roster": ROSTER, "beds": BEDS},
    (
        Case(
            "types are told by who knows them",
            "{ people { __typename name ... on Nurse { ward } ... on Doctor { specialty } } }",
            {
                "people": [
                    {"__typename": "Nurse", "name": "Nora", "ward": "B"},
                    {"__typename": "Doctor", "name": "Dave", "specialty": "heart"},
                ]
            },
            requests=1,
        ),
        Case(
            "from the interface to its one object",
            "{ people { name shift } }",
            {"people": [{"name": "Nora", "shift": "day"}, {"name": "Dave", "shift": "night"}]},
            requests=2,
        ),
        Case(
            "the one object's own fields need no type",
            "{ onCall { id shift } }",
            {"onCall": [{"id": "2", "shift": "night"}, {"id": "1", "shift": "day"}]},
            requests=1,
        ),
        Case(
            "from the one object to what it really is",
            "{ onCall { shift name __typename } }",
            {
                "onCall": [
                    {"shift": "night", "name": "Dave", "__typename": "Doctor"},
                    {"shift": "day", "name": "Nora", "__typename": "Nurse"},
                ]
            },
            requests=2,
        ),
        Case(
            "a fragment on the one object needs the real type",
            "{ onCall { shift ... on Nurse { ward } } }",
            {"onCall": [{"shift": "night"}, {"shift": "day", "ward": "B"}]},
            requests=2,
        ),
        Case(
            "a fragment of which nothing is left needs no type",
            "query ($no: Boolean!) { onCall { shift ... on Nurse { ward @include(if: $no) } } }",
            {"onCall": [{"shift": "night"}, {"shift": "day"}]},
            requests=1,
            variables={"no": False},
        ),
        Case(
            "further on to who knows only one of the types",
            "{ onCall { ... on Nurse { beds } } }",
            {"onCall": [{}, {"beds": 12}]},
            requests=3,
        ),
        Case(
            "the one object requires what the real ones know",
            "{ people { badge } }",
            {"people": [{"badge": "Hello, Nora"}, {"badge": "Hello, Dave"}]},
            requests=2,
        ),
        Case(
            "the same from the one object",
            "{ onCall { badge } }",
            {"onCall": [{"badge": "Hello, Dave"}, {"badge": "Hello, Nora"}]},
            requests=3,
        ),
        Case(
            "a field of one type only, by an id",
            '{ person(id: "1") { ... on Person { name } ... on Nurse { beds shift } } }',
            {"person": {"name": "Nora", "beds": 12, "shift": "day"}},
            requests=3,
        ),
    ),
)
