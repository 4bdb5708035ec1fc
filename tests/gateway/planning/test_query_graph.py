"""What of a supergraph is refused before any operation is planned."""

import pytest

from gateway.federation.supergraph import SupergraphError, load_supergraph
from gateway.planning import build_query_graph
from tests.gateway.planning.supergraphs import supergraph_sdl


@pytest.mark.parametrize(
    ("types", "complaint"),
    [
        pytest.param(
            'type E @join__type(graph: A, key: "id {") { id: ID }', "a key of E", id="no field set"
        ),
        pytest.param(
            'type E @join__type(graph: A, key: "sku") { id: ID }', "a key of E", id="no such field"
        ),
        pytest.param(
            'type E @join__type(graph: A) { id: ID @join__field(graph: A, requires: "x") }',
            r"what E\.id requires",
            id="requires",
        ),
        pytest.param(
            'type E @join__type(graph: A) { e: E @join__field(graph: A, provides: "...on X{y}") }',
            r"what E\.e provides",
            id="provides",
        ),
        pytest.param(
            """type E @join__type(graph: A) { e: E @join__field(graph: A, contextArguments: [
              {context: "c", name: "a", type: "Int", selection: "{"}]) }""",
            r"what E\.e takes from its context",
            id="context",
        ),
        pytest.param(
            """type E @join__type(graph: A) { e: E @join__field(graph: A, contextArguments: [
              {context: "c", name: "a"}]) }""",
            "a contextual argument lacks",
            id="half a context",
        ),
    ],
)
def test_refuses(types, complaint):
    sdl = supergraph_sdl(["a"], "type Query @join__type(graph: A) { e: E }" + types)
    with pytest.raises(SupergraphError, match=complaint):
        build_query_graph(load_supergraph(sdl))
