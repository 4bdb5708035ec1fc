"""Reading supergraphs of any composer."""

import json

import pytest
from graphql import print_schema

from gateway.federation.supergraph import SupergraphError, TypeKind, load_supergraph
from tests.shared_data import shared_data

HEAD = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)
{ query: Query }
directive @join__type(graph: join__Graph!, key: String) repeatable on OBJECT
directive @inaccessible on FIELD_DEFINITION
scalar join__FieldSet
enum join__Graph {
  A @join__graph(name: "a", url: "http://a")
  B @join__graph(name: "b-b", url: "http://b")
}
"""

PATIENTS = (
    HEAD
    + """
type Query @join__type(graph: A) @join__type(graph: B) {
  patient: Patient @join__field(graph: A, provides: "name")
  both: Int
}
type Patient implements Node
  @join__implements(graph: A, interface: "Node")
  @join__type(graph: A, key: "id")
  @join__type(graph: A, key: "mrn { value }", resolvable: false)
  @join__type(graph: B, key: "id", extension: true)
{
  id: ID!
  name: String @join__field(graph: A, external: true) @join__field(graph: B, type: "String!")
  links: String @inaccessible @join__field(graph: A)
  summary: Secret @inaccessible @join__field(graph: B, requires: "links", override: "a",
    overrideLabel: "percent(5)")
  mrn(kind: Kind, secret: Int @inaccessible): Mrn @join__field(graph: A)
  given: String @join__field
}
type Mrn @join__type(graph: A) { value: ID! }
type Secret @join__type(graph: B) @inaccessible { x: Int }
interface Node @join__type(graph: A, key: "id") @join__type(graph: B, isInterfaceObject: true) {
  id: ID!
}
union Either @join__type(graph: A) @join__unionMember(graph: A, member: "Mrn")
  @join__unionMember(graph: B, member: "Secret") = Mrn | Secret
enum Kind @join__type(graph: A) { OPEN SHUT @inaccessible }
"""
)


def test_reads_who_has_which_type():
    patient = load_supergraph(PATIENTS).types["Patient"]
    assert [(key.fields, key.resolvable) for key in patient.joins["a"].keys] == [
        ("id", True),
        ("mrn { value }", False),
    ]
    assert patient.joins["b-b"].extension
    assert patient.implements == {"a": ("Node",)}
    node = load_supergraph(PATIENTS).types["Node"]
    assert (node.kind, node.joins["b-b"].interface_object) == (TypeKind.INTERFACE, True)


def test_reads_who_has_which_field():
    types = load_supergraph(PATIENTS).types
    fields = types["Patient"].fields
    assert set(fields["id"].joins) == {"a", "b-b"}
    assert fields["name"].joins["a"].external
    assert fields["name"].joins["b-b"].type == "String!"
    assert fields["given"].joins == {}
    assert fields["summary"].joins["b-b"].requires == "links"
    assert fields["summary"].joins["b-b"].override == "a"
    assert fields["summary"].joins["b-b"].override_label == "percent(5)"
    assert types["Query"].fields["patient"].joins["a"].provides == "name"
    assert types["Either"].members == {"a": ("Mrn",), "b-b": ("Secret",)}


def test_names_subgraphs_and_roots():
    supergraph = load_supergraph(PATIENTS)
    assert [(s.name, s.enum, s.url) for s in supergraph.subgraphs.values()] == [
        ("a", "A", "http://a"),
        ("b-b", "B", "http://b"),
    ]
    assert supergraph.roots == {"query": "Query"}
    assert supergraph.override_labels == {"percent(5)"}


def test_the_api_schema_hides_what_is_inaccessible_and_all_machinery():
    supergraph = load_supergraph(PATIENTS)
    api = print_schema(supergraph.api_schema)
    for hidden in ("links", "summary", "Secret", "SHUT", "secret", "join__", "@inaccessible"):
        assert hidden not in api
    full = print_schema(supergraph.full_schema)
    for kept in ("links", "Secret", "SHUT"):
        assert kept in full
    assert "join__" not in full


def test_reads_a_supergraph_of_the_first_join_version():
    supergraph = load_supergraph("""
        schema @core(feature: "https://specs.apollo.dev/core/v0.1")
               @core(feature: "https://specs.apollo.dev/join/v0.1") { query: Query }
        enum join__Graph { A @join__graph(name: "a", url: "") B @join__graph(name: "b", url: "") }
        type Query { me: User @join__field(graph: A) }
        type User @join__owner(graph: A) @join__type(graph: A, key: "id")
                  @join__type(graph: B, key: "id") {
          id: ID! @join__field(graph: A)
          name: String
          stars: Int @join__field(graph: B)
          tag: Tag
        }
        type Tag { text: String }
    """)
    user = supergraph.types["User"]
    assert set(user.fields["id"].joins) == {"a", "b"}
    assert set(user.fields["name"].joins) == {"a"}
    assert set(user.fields["stars"].joins) == {"b"}
    assert set(supergraph.types["Tag"].fields["text"].joins) == {"a", "b"}


def test_reads_directives_under_another_name():
    supergraph = load_supergraph("""
        schema @link(url: "https://specs.apollo.dev/link/v1.0")
               @link(url: "https://specs.apollo.dev/join/v0.5", as: "j")
               @link(url: "https://specs.apollo.dev/inaccessible/v0.2", as: "hide") { query: Query }
        enum j__Graph { A @j__graph(name: "a", url: "") }
        type Query @j__type(graph: A) { a: Int b: Int @hide }
    """)
    assert set(supergraph.types["Query"].fields["a"].joins) == {"a"}
    assert "j__Graph" not in supergraph.api_schema.type_map
    assert list(supergraph.api_schema.query_type.fields) == ["a"]


@pytest.mark.parametrize(
    ("sdl", "complaint"),
    [
        pytest.param("type Query {", "not valid GraphQL", id="no GraphQL"),
        pytest.param("type Query { a: Int }", "compose the subgraphs", id="a plain schema"),
        pytest.param(
            'schema @link(url: "https://specs.apollo.dev/link/v1.0") '
            '@link(url: "https://specs.apollo.dev/join/v9.0") { query: Query } type Query { a: Int }',  # noqa: E501 - SDL
            "join v9.0",
            id="a version of the future",
        ),
        pytest.param(
            'schema @link(url: "https://specs.apollo.dev/link/v1.0") '
            '@link(url: "https://specs.apollo.dev/join/v0.3") { query: Query } type Query { a: Int }',  # noqa: E501 - SDL
            "no enum join__Graph",
            id="no list of subgraphs",
        ),
        pytest.param(
            HEAD + "type Query @join__type(graph: Z) { a: Int }",
            "not listed",
            id="unknown subgraph",
        ),
        pytest.param(
            HEAD + "type Query @join__type(graph: A) { a: Nowhere }", "fit together", id="no type"
        ),
        pytest.param(
            HEAD + "type Query @join__type(graph: A) { a: Int @inaccessible }",
            "not a valid schema",
            id="nothing left to see",
        ),
    ],
)
def test_refuses(sdl, complaint):
    with pytest.raises(SupergraphError, match=complaint):
        load_supergraph(sdl)


def test_reads_every_recorded_supergraph():
    lines = shared_data("composition", "cases.jsonl").read_text().splitlines()
    composed = [(json.loads(line).get("apollo") or {}).get("supergraph") for line in lines]
    loaded = [load_supergraph(sdl) for sdl in composed if sdl]
    assert len(loaded) == 211
    names = {name for supergraph in loaded for name in supergraph.api_schema.type_map}
    assert not [name for name in names if "__" in name and not name.startswith("__")]
