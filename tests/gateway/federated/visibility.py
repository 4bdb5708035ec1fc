"""What is hidden, what has moved, and what another subgraph hands out on the way."""

from tests.gateway.federated.kit import LINK, Case, Subgraph, Suite

OLD = {"links": "sealed", "phone": "old", "fax": "old"}
ADA = {"id": "1", "name": "Ada", "status": "ACTIVE", **OLD}
SPY = {"id": "2", "name": "Spy", "status": "SECRET", **OLD}

IDENTITY = Subgraph(
    LINK
    + """
    type Query { patients: [Patient!]! byStatus(status: Status!): [Patient!]! }
    enum Status { ACTIVE SECRET @inaccessible }
    type Patient @key(fields: "id") {
      id: ID! name: String @shareable status: Status links: String @inaccessible
      phone: String fax: String
    }
    """,
    roots={
        "patients": [ADA, SPY],
        "byStatus": lambda status: [p for p in (ADA, SPY) if p["status"] == status],
    },
    rows={"Patient": [ADA, SPY]},
)
CONTACT = Subgraph(
    LINK
    + """
    type Patient @key(fields: "id") {
      id: ID!
      links: String @external
      phone: String @override(from: "identity")
      fax: String @override(from: "identity", label: "percent(5)")
      email: String @override(from: "gone")
      seen: String @requires(fields: "links")
    }
    """,
    rows={
        "Patient": [
            {"id": "1", "phone": "new", "fax": "new", "email": "a@x"},
            {"id": "2", "phone": "new", "fax": "new", "email": "s@x"},
        ]
    },
    computed={"Patient.seen": lambda row: f"with {row['links']}"},
)
# A visit brings its patient's name along, but only under `today`.
VISITS = Subgraph(
    LINK
    + """
    type Query {
      today: [Visit!]! @provides(fields: "patient { name }")
      later: [Visit!]!
      events: [Event!]! @provides(fields: "... on Visit { patient { name } }")
    }
    union Event = Visit | Break
    type Break { until: String }
    type Visit @key(fields: "id") { id: ID! patient: Patient }
    type Patient @key(fields: "id") { id: ID! name: String @external }
    """,
    roots={
        "today": [{"id": "v1", "patient": {"id": "1", "name": "Ada"}}],
        "later": [{"id": "v2", "patient": {"id": "2"}}],
        "events": [
            {"__typename": "Visit", "id": "v1", "patient": {"id": "1", "name": "Ada"}},
            {"__typename": "Break", "until": "noon"},
        ],
    },
    rows={"Visit": [{"id": "v1", "patient": {"id": "1"}}], "Patient": []},
)

SUITE = Suite(
    "visibility",
    {"identity": IDENTITY, "contact": CONTACT, "visits": VISITS},
    (
        Case(
            "a hidden value is null with an error",
            "{ patients { status } }",
            {"patients": [{"status": "ACTIVE"}, {"status": None}]},
            requests=1,
            errors=(("SUBGRAPH_INVALID_RESPONSE", ("patients", 1, "status")),),
        ),
        Case(
            "a hidden field is fetched where it is required",
            "{ patients { seen } }",
            {"patients": [{"seen": "with sealed"}, {"seen": "with sealed"}]},
            requests=2,
        ),
        Case(
            "a field has moved",
            "{ patients { phone } }",
            {"patients": [{"phone": "new"}, {"phone": "new"}]},
            requests=2,
        ),
        Case(
            "a field is moving: not yet",
            "{ patients { fax } }",
            {"patients": [{"fax": "old"}, {"fax": "old"}]},
            requests=1,
        ),
        Case(
            "a field is moving: already",
            "{ patients { fax } }",
            {"patients": [{"fax": "new"}, {"fax": "new"}]},
            requests=2,
            labels=frozenset({"percent(5)"}),
        ),
        Case(
            "a field has moved from a subgraph that is gone",
            "{ patients { email } }",
            {"patients": [{"email": "a@x"}, {"email": "s@x"}]},
            requests=2,
        ),
        Case(
            "what is provided is not fetched again",
            "{ today { patient { id name } } }",
            {"today": [{"patient": {"id": "1", "name": "Ada"}}]},
            requests=1,
        ),
        Case(
            "what is not provided is",
            "{ later { patient { name } } }",
            {"later": [{"patient": {"name": "Spy"}}]},
            requests=2,
        ),
        Case(
            "provided on a member of a union",
            "{ events { __typename ... on Visit { patient { name } } ... on Break { until } } }",
            {
                "events": [
                    {"__typename": "Visit", "patient": {"name": "Ada"}},
                    {"__typename": "Break", "until": "noon"},
                ]
            },
            requests=1,
        ),
        Case(
            "an enum by variable",
            "query ($s: Status!) { byStatus(status: $s) { name } }",
            {"byStatus": [{"name": "Ada"}]},
            requests=1,
            variables={"s": "ACTIVE"},
        ),
    ),
)
