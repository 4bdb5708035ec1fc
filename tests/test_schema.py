"""The border is current: the committed supergraph is what the committed subgraphs compose to."""

import json
from pathlib import Path

import yaml

from gateway.composition import compose
from gateway.composition.config import read_config
from gateway.federation.access_rules import access_rules
from gateway.federation.supergraph import load_supergraph
from schema import FOLDER, OPERATIONS, POLICIES, SUPERGRAPH
from subgraphs.catalog import NAMES


def test_the_supergraph_is_composed_of_the_subgraphs():
    composed = compose(read_config(FOLDER / "supergraph.yaml"))
    assert SUPERGRAPH.read_text() == composed.sdl, "run `make schema`"
    assert set(load_supergraph(composed.sdl).subgraphs) == set(NAMES)


def test_every_policy_has_roles_that_satisfy_it():
    rules = access_rules(load_supergraph(SUPERGRAPH.read_text())).values()
    named = {
        name for rule in rules for any_of in rule.policies for names in any_of for name in names
    }
    assert named == POLICIES.keys()
    compose_file = yaml.safe_load((FOLDER.parent / "docker-compose.yml").read_text())
    given = compose_file["services"]["gateway"]["environment"]["CHARTGRAPH_POLICIES"]
    assert {name: frozenset(roles) for name, roles in json.loads(given).items()} == POLICIES


def test_the_package_brings_the_border_along():
    """A wheel must hold what the demo reads."""
    shipped = {path.name for path in Path(OPERATIONS).iterdir()}
    assert {"patient-summary.graphql", "worklist.graphql"} <= shipped
