"""The graph the composing benchmark measures is as large as it says, and composes."""

from bench.large_graph import SUBGRAPHS, large_graph
from gateway.composition import compose
from gateway.federation.supergraph import load_supergraph

TYPES = 2_000


def test_it_composes():
    graph = large_graph()
    supergraph = load_supergraph(compose(graph).sdl)
    named = [name for name in supergraph.full_schema.type_map if not name.startswith("__")]
    assert len(graph) == len(supergraph.subgraphs) == SUBGRAPHS
    assert len(named) >= TYPES
    # Hidden fields and borrowed ones make it to where they belong.
    assert "hidden" not in supergraph.api_schema.type_map["E0x0"].fields
    borrowed = [name for name in supergraph.types["E0x0"].fields if name.startswith("rating")]
    assert borrowed


def test_it_is_the_same_whenever_asked():
    assert large_graph() == large_graph()
