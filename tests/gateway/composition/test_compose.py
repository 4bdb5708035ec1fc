"""What goes in and comes out of composing, and what is no fit input."""

import itertools

import pytest
from graphql import parse

from gateway.composition import CompositionError, SubgraphInput, compose
from gateway.composition.compose import MAX_CHARACTERS, MAX_NESTING
from gateway.federation.link import read_links

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["{}"])\n'

USERS = (
    LINK.format('@key", "@shareable')
    + """
type Query { me: User }
"Who asks"
type User @key(fields: "id") {
  id: ID!
  name(
    "How short"
    short: Boolean = false
  ): String @deprecated(reason: "use \\"names\\"")
  kind: Kind
}
enum Kind { HUMAN ROBOT }
"""
)
REVIEWS = (
    LINK.format('@key", "@external", "@requires')
    + """
type Review @key(fields: "id") { id: ID! author: User }
type User @key(fields: "id") {
  id: ID!
  kind: Kind @external
  reviews: [Review!]! @requires(fields: "kind")
}
enum Kind { HUMAN ROBOT }
"""
)


def subgraph(name: str, sdl: str) -> SubgraphInput:
    return SubgraphInput(name, f"http://{name}.example/graphql", sdl)


def problems(*subgraphs: SubgraphInput):
    with pytest.raises(CompositionError) as raised:
        compose(subgraphs)
    return raised.value.problems


def test_writes_a_supergraph_of_the_join_specification():
    sdl = compose([subgraph("users", USERS), subgraph("re-views_2", REVIEWS)]).sdl
    links = read_links(parse(sdl)).links
    assert [str(link.url) for link in links] == [
        "https://specs.apollo.dev/link/v1.0",
        "https://specs.apollo.dev/join/v0.5",
    ]
    assert (
        'RE_VIEWS_2_ @join__graph(name: "re-views_2", url: "http://re-views_2.example/graphql")'
        in sdl
    )
    assert '"""Who asks"""' in sdl
    assert 'reason: "use \\"names\\""' in sdl
    assert 'reviews: [Review!]! @join__field(graph: RE_VIEWS_2_, requires: "kind")' in sdl


def test_the_same_subgraphs_give_the_same_text_in_any_order():
    subgraphs = [
        subgraph("users", USERS),
        subgraph("reviews", REVIEWS),
        subgraph("c", LINK.format("@key") + "type Query { c: Int }"),
    ]
    texts = {compose(order).sdl for order in itertools.permutations(subgraphs)}
    assert len(texts) == 1


def test_a_description_no_block_string_can_hold_survives():
    sdl = compose([subgraph("a", 'type Query { "trailing \\\\ and \\u0007" a: Int }')]).sdl
    field = parse(sdl).definitions[-1].fields[0]
    assert field.description.value == "trailing \\ and \u0007"


def test_subgraphs_whose_names_would_clash_in_the_enum_are_told_apart():
    sdl = compose(
        [subgraph("a-b", "type Query { x: Int }"), subgraph("a_b", "type Query { y: Int }")]
    ).sdl
    assert 'A_B_1 @join__graph(name: "a-b"' in sdl
    assert 'A_B_2 @join__graph(name: "a_b"' in sdl


def test_reports_the_problems_of_all_subgraphs_at_once():
    found = problems(
        subgraph("a", "type Query { a: Nowhere b: Neither }"),
        subgraph("b", "not SDL"),
        subgraph("c", LINK.format("@key") + 'type Query @key(fields: "nowhere") { c: Int }'),
    )
    assert [(p.subgraph, p.code) for p in found] == [
        ("a", "INVALID_GRAPHQL"),
        ("a", "INVALID_GRAPHQL"),
        ("b", "INVALID_GRAPHQL"),
        ("c", "KEY_INVALID_FIELDS"),
    ]


def test_a_problem_reads_as_code_place_and_reason():
    (found,) = problems(subgraph("a", "type Query {\n  a: Nowhere\n}"))
    assert str(found) == 'INVALID_GRAPHQL [a:2:6] Unknown type "Nowhere".'
    assert found.mend == "Make the SDL valid GraphQL at the place named."


def test_explains_an_unsatisfiable_query():
    (found,) = problems(
        subgraph("a", LINK.format("@shareable") + "type Query { me: User } type User { id: ID }"),
        subgraph("b", LINK.format("@shareable") + "type User { name: String }"),
    )
    assert found.code == "SATISFIABILITY_ERROR"
    assert "{\n  me {\n    name\n  }\n}" in found.message
    assert 'from subgraph "a": it has no field "User.name"' in found.message
    assert 'subgraph "b" has the field but no resolvable key' in found.message


@pytest.mark.parametrize(
    ("sdl", "complaint"),
    [
        pytest.param("", "Syntax Error", id="empty"),
        pytest.param("<html></html>", "Syntax Error", id="HTML"),
        pytest.param("\x00\x01", "Syntax Error", id="binary"),
        pytest.param("query { a }", "no place in a schema", id="an operation"),
        pytest.param("type Query { a: " + "[" * 50_000, "nests deeper", id="lists in lists"),
        pytest.param("{" * 50_000, "nests deeper", id="braces in braces"),
        pytest.param(
            f"type Query {{ a(b: Int = {'[' * MAX_NESTING}1{']' * MAX_NESTING}): Int }}",
            "nests deeper",
            id="a default nested",
        ),
        pytest.param("# " + "x" * MAX_CHARACTERS, "longer than", id="very long"),
        pytest.param("type Query { a: Int } type Query { b: Int }", "Query", id="a type twice"),
        pytest.param("type Query implements Query { a: Int }", "Query", id="its own interface"),
        pytest.param("input I { i: I! } type Query { a(i: I): Int }", "I", id="endless input"),
        pytest.param(
            'type Query { a(size: Int = "ten"): Int }', "default", id="a default of another type"
        ),
        pytest.param(
            'directive @d(a: Int) on FIELD_DEFINITION type Query { a: Int @d(a: "x") }',
            "Invalid value",
            id="a directive's argument of another type",
        ),
        pytest.param("type Query { a: I } input I { b: Int }", "I", id="an input coming out"),
        pytest.param(
            "type Query { a: _Service } type _Service { sdl: String }",
            "federation's own",
            id="federation's machinery",
        ),
        pytest.param(
            LINK.format("@key") + "type Query { a(scope: federation__Scope): Int }",
            "federation's own",
            id="federation's scalar",
        ),
    ],
)
def test_refuses_what_is_no_schema(sdl, complaint):
    found = problems(subgraph("a", sdl))
    assert {p.code for p in found} == {"INVALID_GRAPHQL"}
    assert complaint in found[0].message
    assert len({(p.location, p.message) for p in found}) == len(found)


def test_brackets_in_texts_are_no_nesting():
    sad = ":( " * (MAX_NESTING + 1)
    sdl = f'''
# {sad}
"""
{sad} \\""" {sad}
"""
type Query {{
  "{sad} \\" {sad}"
  a: Int
}}
'''
    assert ":(" in compose([subgraph("a", sdl)]).sdl


def test_refuses_no_subgraphs_and_two_of_one_name():
    assert [p.code for p in problems()] == ["NO_QUERIES"]
    same = subgraph("a", "type Query { a: Int }")
    assert [p.code for p in problems(same, same)] == ["INVALID_SUBGRAPH_NAME"]


def test_a_long_circle_of_requirements_ends():
    names = [f"s{i}" for i in range(12)]
    fields = [f"f{i}" for i in range(12)]
    subgraphs = [
        subgraph(
            name,
            LINK.format('@key", "@external", "@requires", "@shareable')
            + "type Query @shareable { user: User } "
            + 'type User @key(fields: "id") { id: ID! '
            + f"{fields[i - 1]}: Int @external "
            + f'{fields[i]}: Int @requires(fields: "{fields[i - 1]}") }}',
        )
        for i, name in enumerate(names)
    ]
    assert {p.code for p in problems(*subgraphs)} == {"SATISFIABILITY_ERROR"}


def test_many_subgraphs_that_share_an_entity_compose():
    subgraphs = [
        subgraph(
            f"s{i}",
            LINK.format('@key", "@shareable')
            + f'type Query {{ q{i}: User }} type User @key(fields: "id") @key(fields: "k{i}") '
            + f"{{ id: ID! k{i}: ID! f{i}: User }}",
        )
        for i in range(25)
    ]
    assert "@join__graph" in compose(subgraphs).sdl


def test_what_one_mutation_led_to_is_not_walked_again_from_the_next(monkeypatch):
    """Without this, as many mutations as large graphs have take the walk past its bound."""
    types = "\n".join(f"type T{n} {{ next: T{(n + 1) % 20} }}" for n in range(20))
    mutations = "\n".join(f"m{n}: T0" for n in range(20))
    sdl = f"{types} type Query {{ t: T0 }} type Mutation {{ {mutations} }}"
    monkeypatch.setattr("gateway.composition.satisfiability.walk.MAX_STATES", 100)
    assert compose([subgraph("a", sdl)]).hints == ()


def test_very_many_mistakes_of_one_kind_are_not_all_listed():
    types = "\n".join(["type T { a: Int }"] * 500)
    found = problems(subgraph("a", f"type Query {{ t: T }} {types}"))
    assert {problem.code for problem in found} == {"INVALID_GRAPHQL"}
    assert "Stopped after 100 errors" in {problem.message for problem in found}
