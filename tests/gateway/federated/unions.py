"""Unions whose members differ between subgraphs, and keys that may not be shared in one request."""

from tests.gateway.federated.kit import LINK, Case, Subgraph, Suite

LAB = {"__typename": "Lab", "id": "l", "value": 4.1, "comment": "fine"}
SCAN = {"__typename": "Scan", "id": "s", "value": None, "image": "x.png"}
NOTE = {"__typename": "Note", "id": "n", "text": "well"}

RESULTS = Subgraph(
    LINK
    + """
    type Query { latest: [Finding!]! }
    union Finding = Lab | Scan
    type Lab @key(fields: "id") { id: ID! value: Float! @shareable comment: String }
    type Scan @key(fields: "id") { id: ID! value: Float image: String }
    """,
    roots={"latest": [LAB, SCAN]},
    rows={"Lab": [LAB], "Scan": [SCAN]},
)
NOTES = Subgraph(
    LINK
    + """
    type Query { written: [Finding!]! }
    union Finding = Lab | Note
    type Lab @key(fields: "id") { id: ID! value: Float @shareable author: String }
    type Note @key(fields: "id") { id: ID! text: String }
    """,
    roots={"written": [NOTE, {"__typename": "Lab", "id": "l", "value": 4.1, "author": "Dave"}]},
    rows={"Lab": [{"id": "l", "value": 4.1, "author": "Dave"}], "Note": [NOTE]},
)

SUITE = Suite(
    "unions",
    {"results": RESULTS, "notes": NOTES},
    (
        Case(
            "a member the subgraph does not have is not asked of it",
            """{ latest { __typename ... on Note { text } ... on Scan { image } } }""",
            {"latest": [{"__typename": "Lab"}, {"__typename": "Scan", "image": "x.png"}]},
            requests=1,
        ),
        Case(
            "from one member on to the other subgraph",
            "{ written { ... on Note { text } ... on Lab { comment author } } }",
            {"written": [{"text": "well"}, {"comment": "fine", "author": "Dave"}]},
            requests=2,
        ),
        Case(
            "one key, promised in one type and not in the other",
            "{ latest { ... on Lab { value } ... on Scan { value } } }",
            {"latest": [{"value": 4.1}, {"value": None}]},
            requests=1,
        ),
        Case(
            "only the type",
            "{ latest { __typename } written { t: __typename } }",
            {
                "latest": [{"__typename": "Lab"}, {"__typename": "Scan"}],
                "written": [{"t": "Note"}, {"t": "Lab"}],
            },
            requests=2,
        ),
        Case(
            "a fragment of a fragment",
            "{ latest { ... on Finding { ... on Lab { id author } } } }",
            {"latest": [{"id": "l", "author": "Dave"}, {}]},
            requests=2,
        ),
    ),
)
