"""Planning stays bounded on schemas and operations made to be hard."""

import itertools
import random

import pytest
from graphql import parse

from gateway.federation.supergraph import load_supergraph
from gateway.operation import normalize
from gateway.planning import PlanError, budget, build_query_graph, plan
from gateway.planning.choose import choose
from gateway.planning.paths import find_paths
from tests.gateway.planning.reference_plans import weigh
from tests.gateway.planning.supergraphs import supergraph_sdl

FIVE = list("abcde")


def joined(subgraphs, key=None):
    by = f', key: "{key}"' if key else ""
    return " ".join(f"@join__type(graph: {name.upper()}{by})" for name in subgraphs)


def only(*subgraphs, **arguments):
    more = "".join(f', {name}: "{value}"' for name, value in arguments.items())
    return " ".join(f"@join__field(graph: {name.upper()}{more})" for name in subgraphs)


def searched(subgraphs, types, text):
    """The plan's weight, and how many positions it took to find it."""
    supergraph = load_supergraph(supergraph_sdl(subgraphs, types))
    graph = build_query_graph(supergraph)
    operation = normalize(parse(text), None, supergraph.api_schema)
    paths = find_paths(operation, graph)
    return weigh(plan(operation, graph)), paths.tree.size


def test_ten_shareable_fields_in_five_subgraphs_are_one_request():
    fields = [f"f{number}" for number in range(10)]
    types = f"type Query {joined(FIVE)} {{ {' '.join(f'{name}: Int' for name in fields)} }}"
    weight, size = searched(FIVE, types, f"{{{' '.join(fields)}}}")
    assert weight == (1, 1)
    assert size <= 60


def test_shareable_entities_nested_ten_deep_grow_with_the_depth_only():
    types = f"""
      type Query {joined(FIVE)} {{ e: E }}
      type E {joined(FIVE, "id")} {{ id: ID! next: E x: Int y: Int z: Int }}
    """
    sizes = []
    for depth in (5, 10):
        text = "{e{" + "next{" * depth + "x y z" + "}" * depth + "}}"
        weight, size = searched(FIVE, types, text)
        assert weight == (1, 1)
        sizes.append(size)
    assert sizes[1] <= 2 * sizes[0]


def test_finds_the_fewest_subgraphs_among_many_choices():
    chance = random.Random(1)
    owners = {f"f{number}": chance.sample(FIVE, 2) for number in range(10)}
    fields = {name: only(*pair) for name, pair in owners.items()}
    types = f"""
      type Query {joined(FIVE)} {{ e: E {only("a")} }}
      type E {joined(FIVE, "id")} {{
        id: ID! next: E {" ".join(f"{name}: Int {where}" for name, where in fields.items())}
      }}
    """
    text = "{e{" + "".join(f"{' '.join(fields)} next{{" for _ in range(10)) + "id" + "}" * 12
    least = min(
        len(others)
        for size in range(5)
        for others in itertools.combinations(FIVE[1:], size)
        if all({"a", *others} & set(pair) for pair in owners.values())
    )
    weight, _ = searched(FIVE, types, text)
    assert weight == (1 + least, 2)


def test_members_of_a_wide_interface_go_together():
    members = "".join(
        f"""
        type T{number} implements I {joined("ab", "id")}
          @join__implements(graph: A, interface: "I") @join__implements(graph: B, interface: "I")
        {{ id: ID! x: Int {only("b")} y: Int {only("a")} sub: I {only("b")} }}
        """
        for number in range(60)
    )
    types = f"""
      type Query {joined("ab")} {{ i: [I] {only("a")} }}
      interface I {joined("ab")} {{
        id: ID! x: Int {only("b")} y: Int {only("a")} sub: I {only("b")}
      }}
      {members}
    """
    weight, size = searched(["a", "b"], types, "{i{x sub{y sub{y sub{y}}}}}")
    assert weight == (3, 3)
    assert size <= 200


@pytest.mark.parametrize("limit", ["MAX_POSITIONS", "MAX_STEPS"])
def test_members_that_cannot_go_together_are_bounded(monkeypatch, limit):
    # Without the interface in B, three levels of sixty members each are 216,000 ways.
    members = "".join(
        f"""
        type T{number} implements I {joined("ab", "id")}
          @join__implements(graph: A, interface: "I")
        {{ id: ID! sub: I {only("a")} x{number}: Int x: Int {only("b")} y: U {only("b")} }}
        """
        for number in range(60)
    )
    union = " ".join(f'@join__unionMember(graph: B, member: "T{number}")' for number in range(60))
    types = f"""
      type Query {joined("ab")} {{ i: [I] {only("a")} }}
      interface I {joined("a")} {{ id: ID! sub: I x: Int @join__field y: U @join__field }}
      union U {joined("b")} {union} = {" | ".join(f"T{number}" for number in range(60))}
      {members}
    """
    monkeypatch.setattr(budget, limit, 2_000)
    fragment = "...on T1{y{...on I{y{...on I{y{...on I{x}}}}}}}"
    with pytest.raises(PlanError, match="too many possible plans"):
        searched(["a", "b"], types, f"{{i{{{fragment}}}}}")


@pytest.mark.parametrize(
    ("requirement", "outcome"),
    [
        pytest.param(range, (8, 8), id="a chain"),
        pytest.param(lambda n: [m for m in range(8) if m != n], None, id="a ring"),
    ],
)
def test_requirements_of_requirements_end(requirement, outcome):
    eight = list("abcdefgh")
    fields = ""
    for number, name in enumerate(eight):
        required = " ".join(f"r{other}" for other in requirement(number))
        where = only(name, requires=required) if required else only(name)
        fields += f" r{number}: Int {where}"
    types = f"""
      type Query {joined(eight)} {{ e: E {only("a")} }}
      type E {joined(eight, "id")} {{ id: ID! {fields} }}
    """
    if outcome is None:
        with pytest.raises(PlanError, match=r"no subgraph resolves E\.r7"):
            searched(eight, types, "{e{r7}}")
    else:
        assert searched(eight, types, "{e{r7}}")[0] == outcome


def test_keys_that_lead_to_each_other_end():
    # Every subgraph can be entered by every other's key, and by no key of its own.
    six = list("abcdef")
    joins = " ".join(
        f'@join__type(graph: {name.upper()}, key: "k{other}")'
        for number, name in enumerate(six)
        for other in range(6)
        if other != number
    )
    keys = " ".join(f"k{number}: ID! {only(name)}" for number, name in enumerate(six))
    types = f"""
      type Query {joined(six)} {{ e: E {only("a")} }}
      type E {joins} {{ {keys} z: Int {only("f")} }}
    """
    assert searched(six, types, "{e{z}}")[0] == (2, 2)


def test_many_leaves_with_many_choices_end():
    types = f"""
      type Query {joined(FIVE)} {{ a: A }}
      type A {joined(FIVE, "id")} {{ id: ID! x: Int {only("b", "c")} y: Int {only("d", "e")} }}
    """
    text = "{" + " ".join(f"k{number}: a{{x y}}" for number in range(300)) + "}"
    assert searched(FIVE, types, text)[0] == (2, 1)


def test_many_mutations_are_planned_one_by_one(monkeypatch):
    searches = []
    monkeypatch.setattr(
        "gateway.planning.planner.find_paths",
        lambda *arguments, **named: searches.append(1) or find_paths(*arguments, **named),
    )
    types = f"type Query {joined('a')} {{ x: Int }} type Mutation {joined('a')} {{ do: Int }}"
    supergraph = load_supergraph(supergraph_sdl(["a"], types))
    text = "mutation {" + " ".join(f"k{number}: do" for number in range(50)) + "}"
    operation = normalize(parse(text), None, supergraph.api_schema)
    assert weigh(plan(operation, build_query_graph(supergraph))) == (1, 1)
    assert len(searches) == 51


def test_all_fields_of_a_mutation_have_one_budget(monkeypatch):
    types = f"""
      type Query {joined(FIVE)} {{ x: Int }} type Mutation {joined(FIVE)} {{ do: E }}
      type E {joined(FIVE, "id")} {{ id: ID! x: Int {only("b")} y: Int {only("c")} }}
    """
    supergraph = load_supergraph(supergraph_sdl(FIVE, types))

    def planned(count):
        text = "mutation {" + " ".join(f"k{number}: do {{x y}}" for number in range(count)) + "}"
        operation = normalize(parse(text), None, supergraph.api_schema)
        return plan(operation, build_query_graph(supergraph))

    monkeypatch.setattr(budget, "MAX_POSITIONS", 1_000)
    assert planned(1)
    with pytest.raises(PlanError, match="too many possible plans"):
        planned(100)


def test_without_a_budget_to_weigh_with_the_first_choice_stands(monkeypatch):
    types = f"""
      type Query {joined(FIVE)} {{ a: A {only("a")} }}
      type A {joined(FIVE, "id")} {{
        id: ID! x: Int {only("b", "c")} y: Int {only("c", "d")} z: Int {only("d", "e")}
      }}
    """
    monkeypatch.setattr(budget, "MAX_WEIGHINGS", 0)
    requests, depth = searched(FIVE, types, "{a{x y z}}")[0]
    assert 3 <= requests <= 4
    assert depth == 2


def test_running_out_of_stack_is_an_error_of_the_plan(monkeypatch):
    types = f"type Query {joined('a')} {{ a: A }} type A {joined('a')} {{ a: A x: Int }}"
    supergraph = load_supergraph(supergraph_sdl(["a"], types))
    operation = normalize(parse("{a{x}}"), None, supergraph.api_schema)
    monkeypatch.setattr("gateway.planning.planner.find_paths", _recurse)
    with pytest.raises(PlanError, match="too deep"):
        plan(operation, build_query_graph(supergraph))


def _recurse(*arguments, **named):
    return _recurse(*arguments, **named)


def test_nothing_to_choose_is_nothing_chosen():
    types = f"type Query {joined('a')} {{ x: Int }}"
    supergraph = load_supergraph(supergraph_sdl(["a"], types))
    operation = normalize(parse("{__typename}"), None, supergraph.api_schema)
    paths = find_paths(operation, build_query_graph(supergraph))
    assert choose(paths.tree, paths.leaves) == ()
