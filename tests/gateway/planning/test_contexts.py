"""Contextual arguments that cannot be filled: composition would have refused them."""

import pytest
from graphql import parse

from gateway.federation.supergraph import load_supergraph
from gateway.operation import normalize
from gateway.planning import PlanError, build_query_graph, plan
from tests.gateway.planning.supergraphs import supergraph_sdl


def planned(text, selection="{ x }", context="c", key=', key: "id"'):
    argument = f'{{context: "{context}", name: "a", type: "Int", selection: "{selection}"}}'
    types = f"""
      type Query @join__type(graph: A) {{ e: E f: F }}
      type F @join__type(graph: A) @context(name: "c") {{ x: Int e: E }}
      type E @join__type(graph: A{key}) {{
        id: ID! f: F
        value: Int @join__field(graph: A, contextArguments: [{argument}])
        other: Int @join__field(graph: A, contextArguments: [
          {{context: "c", name: "a", type: "Int", selection: "{{ e {{ other }} }}"}}])
      }}
    """
    supergraph = load_supergraph(supergraph_sdl(["a"], types))
    return plan(normalize(parse(text), None, supergraph.api_schema), build_query_graph(supergraph))


def test_all_is_well():
    assert planned("{ f { e { value } } e { f { e { value } } } }")


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        pytest.param("{ e { value } }", {}, id="nothing sets it"),
        pytest.param("{ e { f { e { id } } value } }", {}, id="set below only"),
        pytest.param("{ f { e { value } } }", {"context": "other"}, id="another"),
        pytest.param("{ f { e { value } } }", {"selection": "{ y }"}, id="no such field"),
        pytest.param("{ f { e { value } } }", {"key": ""}, id="no key to enter by"),
        pytest.param("{ f { e { other } } }", {}, id="it needs itself"),
    ],
)
def test_no_plan(text, changes):
    with pytest.raises(PlanError, match=r"no subgraph resolves E\."):
        planned(text, **changes)
