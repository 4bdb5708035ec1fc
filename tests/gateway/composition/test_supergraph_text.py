"""What the supergraph says of each feature, in lines of its SDL."""

import pytest

from gateway.composition import SubgraphInput, compose
from tests.gateway.composition.case_files import expanded

FEDERATION_1 = {
    "a": """
        type Query { me: User }
        type User @key(fields: "id") { id: ID! name: String shared: Shared }
        type Shared { x: Int }
    """,
    "b": """
        extend type Query { other: User }
        extend type User @key(fields: "id") {
          id: ID! @external
          name: String @external
          unused: String @external
          shared: Shared
          greeting: String @requires(fields: "name")
        }
        type Shared { x: Int }
    """,
}
INTERFACE_OBJECT = {
    "a": """
        @fed2("@key")
        type Query { node: Node }
        interface Node @key(fields: "id") { id: ID! }
        type User implements Node @key(fields: "id") { id: ID! }
    """,
    "b": """
        @fed2("@key", "@interfaceObject", "@requiresScopes")
        type Node @interfaceObject @key(fields: "id") {
          id: ID!
          notes(first: Int = 5): [String] @requiresScopes(scopes: [["notes"]])
        }
    """,
}
OVERRIDE = {
    "a": """
        @fed2("@key", "@override")
        type Query { user: User }
        type User @key(fields: "id") {
          id: ID!
          now: Int @override(from: "b")
          soon: Int @override(from: "b", label: "percent(10)")
        }
    """,
    "b": '@fed2("@key")\n type User @key(fields: "id") { id: ID! now: Int soon: Int }',
}
ACCESS = {
    "a": """
        @fed2("@key", "@shareable", "@authenticated", "@requiresScopes", "@policy")
        type Query { named: Named @shareable }
        interface Named { name: String }
        type User implements Named @shareable @authenticated {
          name: String @requiresScopes(scopes: [["a"], ["b"]]) @policy(policies: [["p"]])
        }
    """,
    "b": """
        @fed2("@key", "@shareable", "@requiresScopes")
        type Query { named: Named @shareable }
        interface Named { name: String }
        type User implements Named @shareable { name: String @requiresScopes(scopes: [["c"]]) }
    """,
}
CONTEXT = {
    "a": """
        @fed2("@key", "@context", "@fromContext")
        type Query { user: User }
        type User @key(fields: "id") @context(name: "user") {
          id: ID! locale: String account: Account
        }
        type Account @key(fields: "id") {
          id: ID!
          price(locale: String @fromContext(field: "$user { locale }"), unit: Int): Int
        }
    """,
}
COST = {
    "a": """
        @fed2("@shareable", {name: "@cost", as: "@weight"}, "@listSize")
        type Query @shareable {
          list(first: Int, last: Int): [Int]
            @weight(weight: 2)
            @listSize(assumedSize: 5, slicingArguments: ["first"])
        }
    """,
    "b": """
        @fed2("@shareable", {name: "@cost", as: "@weight"}, "@listSize")
        type Query @shareable {
          list(first: Int, last: Int): [Int]
            @weight(weight: 3)
            @listSize(slicingArguments: ["last"], requireOneSlicingArgument: false)
        }
    """,
}
CUSTOM = {
    "a": """
        @fed2("@composeDirective", "@tag")
        extend schema
          @link(url: "https://me.dev/mine/v1.2", import: [{name: "@mine", as: "@own"}])
          @composeDirective(name: "@own")
          @tag(name: "whole")
        "Mine"
        directive @own(level: Int! = 1, why: Why = {text: "a"}) repeatable on FIELD_DEFINITION
        input Why { text: String }
        type Query { a: Int @own @own(level: 2) @tag(name: "x") @tag(name: "y") }
    """,
}


@pytest.mark.parametrize(
    ("subgraphs", "lines"),
    [
        pytest.param(
            FEDERATION_1,
            [
                '@join__type(graph: B, key: "id")',
                "name: String @join__field(graph: A) @join__field(graph: B, external: true)",
                'greeting: String @join__field(graph: B, requires: "name")',
                "shared: Shared",
            ],
            id="the upgrade from Federation 1",
        ),
        pytest.param(
            INTERFACE_OBJECT,
            [
                '@join__type(graph: B, key: "id", isInterfaceObject: true)',
                (
                    "notes(first: Int = 5): [String] @join__field(graph: B)"
                    ' @requiresScopes(scopes: [["notes"]])'
                ),
                'notes(first: Int = 5): [String] @join__field @requiresScopes(scopes: [["notes"]])',
            ],
            id="interface objects",
        ),
        pytest.param(
            OVERRIDE,
            [
                'now: Int @join__field(graph: A, override: "b")',
                (
                    'soon: Int @join__field(graph: A, override: "b", overrideLabel: "percent(10)")'
                    ' @join__field(graph: B, overrideLabel: "percent(10)")'
                ),
            ],
            id="overrides",
        ),
        pytest.param(
            ACCESS,
            [
                '@link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)',
                "directive @requiresScopes(scopes: [[requiresScopes__Scope!]!]!)",
                "scalar policy__Policy",
                (
                    "type User implements Named\n"
                    '  @join__implements(graph: A, interface: "Named")\n'
                    '  @join__implements(graph: B, interface: "Named")\n'
                    "  @join__type(graph: A)\n"
                    "  @join__type(graph: B)\n"
                    "  @authenticated\n{\n"
                    '  name: String @policy(policies: [["p"]])'
                    ' @requiresScopes(scopes: [["a", "c"], ["b", "c"]])'
                ),
                (
                    "interface Named\n  @join__type(graph: A)\n  @join__type(graph: B)\n"
                    "  @authenticated\n{\n"
                    '  name: String @policy(policies: [["p"]])'
                    ' @requiresScopes(scopes: [["a", "c"], ["b", "c"]])'
                ),
            ],
            id="access requirements",
        ),
        pytest.param(
            CONTEXT,
            [
                '@context(name: "a__user")',
                (
                    "price(unit: Int): Int @join__field(graph: A, contextArguments: "
                    '[{context: "a__user", name: "locale", type: "String",'
                    ' selection: " { locale }"}])'
                ),
            ],
            id="contexts",
        ),
        pytest.param(
            COST,
            [
                (
                    '@link(url: "https://specs.apollo.dev/cost/v0.1",'
                    ' import: [{name: "@cost", as: "@weight"}, "@listSize"])'
                ),
                (
                    "@weight(weight: 3) @listSize(assumedSize: 5,"
                    ' slicingArguments: ["first", "last"], requireOneSlicingArgument: false)'
                ),
            ],
            id="costs",
        ),
        pytest.param(
            CUSTOM,
            [
                '@link(url: "https://me.dev/mine/v1.2", import: [{name: "@mine", as: "@own"}])',
                '  @tag(name: "whole")\n{',
                (
                    '"""Mine"""\ndirective @own(level: Int! = 1, why: Why = {text: "a"})'
                    " repeatable on FIELD_DEFINITION"
                ),
                'a: Int @own @own(level: 2) @tag(name: "x") @tag(name: "y")',
            ],
            id="directives of one's own",
        ),
    ],
)
def test_says(subgraphs, lines):
    sdl = compose(
        [SubgraphInput(name, "", expanded(text.strip())) for name, text in subgraphs.items()]
    ).sdl
    for line in lines:
        assert line in sdl


def test_federation_1_keeps_no_unused_external():
    sdl = compose([SubgraphInput(name, "", text) for name, text in FEDERATION_1.items()]).sdl
    assert "unused" not in sdl
