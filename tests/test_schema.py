"""The border is current: the committed supergraph is what the committed subgraphs compose to."""

from pathlib import Path

from gateway.composition import compose
from gateway.composition.config import read_config
from gateway.federation.supergraph import load_supergraph
from schema import FOLDER, OPERATIONS, SUPERGRAPH
from subgraphs.catalog import NAMES


def test_the_supergraph_is_composed_of_the_subgraphs():
    composed = compose(read_config(FOLDER / "supergraph.yaml"))
    assert SUPERGRAPH.read_text() == composed.sdl, "run `make schema`"
    assert set(load_supergraph(composed.sdl).subgraphs) == set(NAMES)


def test_the_package_brings_the_border_along():
    """A wheel must hold what the demo reads."""
    shipped = {path.name for path in Path(OPERATIONS).iterdir()}
    assert {"patient-summary.graphql", "worklist.graphql"} <= shipped
