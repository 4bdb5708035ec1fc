"""The comparator sees what matters in a supergraph, and only that."""

import pytest

from tests.gateway.composition.comparator import differences

SUPERGRAPH = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)
  @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)
{
  query: Query
}
directive @audit(level: Int = 1) on FIELD
enum join__Graph {
  A @join__graph(name: "a", url: "http://a")
  B @join__graph(name: "b", url: "http://b")
}
interface Node @join__type(graph: A) { id: ID! }
"A query"
type Query @join__type(graph: A) @join__type(graph: B) {
  user(id: ID! = "1", filter: Filter): User @join__field(graph: A, provides: "name { first }")
  any: Any @join__field(graph: B)
  hidden: Int @join__field(graph: A) @inaccessible
}
type User implements Node
  @join__implements(graph: A, interface: "Node")
  @join__type(graph: A, key: "id")
  @join__type(graph: B, key: "id", extension: true)
{
  id: ID!
  name: String
    @join__field(graph: A, external: true)
    @join__field(graph: B, override: "a", overrideLabel: "percent(5)")
  email: String @join__field(graph: A, type: "String!") @requiresScopes(scopes: [["a", "b"], ["c"]])
  role: Role @join__field(graph: B, requires: "id") @deprecated(reason: "no")
}
union Any @join__type(graph: B) @join__unionMember(graph: B, member: "User") = User
enum Role @join__type(graph: B) {
  ADMIN @join__enumValue(graph: B)
}
input Filter @join__type(graph: A) { name: String = "x" }
"""


def changed(old: str, new: str) -> str:
    assert SUPERGRAPH.count(old) >= 1
    return SUPERGRAPH.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name: "a", url: "http://a"', 'name: "a", url: "http://c"'),
        ('@join__type(graph: B, key: "id", extension: true)', '@join__type(graph: B, key: "id")'),
        ('@join__type(graph: A, key: "id")', '@join__type(graph: A, key: "id name")'),
        (
            '@join__type(graph: A, key: "id")',
            '@join__type(graph: A, key: "id", resolvable: false)',
        ),
        ("@join__type(graph: A) {", "@join__type(graph: A, isInterfaceObject: true) {"),
        ('provides: "name { first }"', 'provides: "name { last }"'),
        ('requires: "id"', 'requires: "name"'),
        ("graph: A, external: true", "graph: A"),
        ('override: "a"', 'override: "c"'),
        ('overrideLabel: "percent(5)"', 'overrideLabel: "percent(6)"'),
        ('overrideLabel: "percent(5)"', 'overrideLabel: "percent(5)", usedOverridden: true'),
        ('type: "String!"', 'type: "String"'),
        ('@join__implements(graph: A, interface: "Node")', ""),
        ('@join__unionMember(graph: B, member: "User")', ""),
        ("ADMIN @join__enumValue(graph: B)", "ADMIN"),
        ("hidden: Int @join__field(graph: A)", "hidden: Int @join__field(graph: B)"),
        ("@join__field(graph: A) @inaccessible", "@join__field(graph: A)"),
        ('scopes: [["a", "b"], ["c"]]', 'scopes: [["a"], ["b"], ["c"]]'),
        ('"A query"', '"Another query"'),
        ('id: ID! = "1"', "id: ID!"),
        ("filter: Filter", "filter: Filter!"),
        ('name: String = "x"', 'name: String = "y"'),
        ("id: ID!\n  name", "id: ID\n  name"),
        ('@deprecated(reason: "no")', ""),
        ("implements Node", ""),
        ("directive @audit(level: Int = 1) on FIELD", "directive @audit(level: Int = 1) on QUERY"),
        ("@audit(level: Int = 1)", "@audit(level: Int = 2)"),
    ],
)
def test_sees_one_change(old, new):
    assert differences(SUPERGRAPH, changed(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            '@join__type(graph: A, key: "id")',
            '@join__type(key: "id", graph: A, resolvable: true, extension: false)',
        ),
        ('provides: "name { first }"', 'provides: "name{first}"'),
        ('scopes: [["a", "b"], ["c"]]', 'scopes: [["c"], ["b", "a"]]'),
        ('id: ID! = "1", filter: Filter', 'filter: Filter, id: ID! = "1"'),
        ("directive @audit", "scalar join__FieldSet directive @audit"),
        (
            '"https://specs.apollo.dev/join/v0.5", for: EXECUTION',
            '"https://specs.apollo.dev/join/v0.3", for: EXECUTION',
        ),
    ],
)
def test_overlooks_order_spelling_and_machinery(old, new):
    assert differences(SUPERGRAPH, changed(old, new)) == []
