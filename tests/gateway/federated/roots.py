"""Roots: shared by subgraphs, one after the other, by condition, or told by the gateway itself."""

from tests.gateway.federated.kit import LINK, Case, Row, Subgraph, Suite

# Two subgraphs write into one book, so that a page shows in which order they were asked.
PAGES: list[Row] = []


def write(text: str) -> Row:
    before = PAGES[-1]["id"] if PAGES else None
    PAGES.append({"id": text, "before": before, "size": len(text)})
    return PAGES[-1]


def fail() -> Row:
    raise ValueError("the pen broke")


PEOPLE = Subgraph(
    LINK
    + """
    type Query { me: Viewer @shareable version: String @shareable }
    type Mutation { write(text: String!): Page fail: Page }
    type Viewer { id: ID! @shareable name: String boss: Viewer @shareable }
    type Page @key(fields: "id") { id: ID! before: String @shareable }
    """,
    roots={
        "me": {"id": "1", "name": "Ada", "boss": {"id": "2", "name": "Bob"}},
        "version": "1",
        "write": write,
        "fail": fail,
    },
    rows={"Page": PAGES},
)
SETTINGS = Subgraph(
    LINK
    + """
    type Query { me: Viewer @shareable version: String @shareable theme: String }
    type Mutation { scribble(text: String!): Page }
    type Viewer { id: ID! @shareable theme: String boss: Viewer @shareable }
    type Page @key(fields: "id") { id: ID! before: String @shareable size: Int }
    """,
    roots={
        "me": {"id": "1", "theme": "dark", "boss": {"id": "2", "theme": "light"}},
        "version": "1",
        "theme": "dark",
        "scribble": write,
    },
    rows={"Page": PAGES},
)

CONDITIONS = """
query ($people: Boolean!, $settings: Boolean!) {
  me { name @include(if: $people) ... @skip(if: $settings) { id } theme @include(if: $settings) }
}
"""

SUITE = Suite(
    "roots",
    {"people": PEOPLE, "settings": SETTINGS},
    (
        Case("anyone can tell", "{ version }", {"version": "1"}, requests=1),
        Case(
            "one shared root, each tells its own",
            "{ me { id name theme } }",
            {"me": {"id": "1", "name": "Ada", "theme": "dark"}},
            requests=2,
        ),
        Case(
            "shared below a shared root",
            "{ me { boss { theme name } } version }",
            {"me": {"boss": {"theme": "light", "name": "Bob"}}, "version": "1"},
            requests=2,
        ),
        Case(
            "mutations one after the other",
            """mutation {
              a: write(text: "a") { id }
              b: scribble(text: "b") { before }
              c: write(text: "c") { before size }
            }""",
            {
                "a": {"id": "a"},
                "b": {"before": "a"},
                "c": {"before": "b", "size": 1},
            },
            requests=4,
        ),
        Case(
            "a mutation that fails does not stop the next",
            """mutation { fail { id } scribble(text: "d") { id } }""",
            {"fail": None, "scribble": {"id": "d"}},
            requests=2,
            errors=(("SUBGRAPH_ERROR", ("fail",)),),
        ),
        Case(
            "a fetch under a condition that holds",
            CONDITIONS,
            {"me": {"name": "Ada", "theme": "dark"}},
            requests=2,
            variables={"people": True, "settings": True},
        ),
        Case(
            "a fetch under one that does not",
            CONDITIONS,
            {"me": {"name": "Ada", "id": "1"}},
            requests=1,
            variables={"people": True, "settings": False},
        ),
        Case(
            "nothing is left of it",
            "query ($on: Boolean = false) { version @include(if: $on) }",
            {},
            requests=0,
        ),
        Case("only the type", "{ t: __typename }", {"t": "Query"}, requests=0),
        Case(
            "the schema beside the data",
            '{ version __type(name: "Viewer") { fields { name } } __typename }',
            {
                "version": "1",
                "__type": {"fields": [{"name": n} for n in ("id", "name", "boss", "theme")]},
                "__typename": "Query",
            },
            requests=1,
        ),
    ),
)
