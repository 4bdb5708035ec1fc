"""The border is current: the committed supergraph is what the committed subgraphs compose to."""

from pathlib import Path

import yaml
from graphql import ObjectTypeDefinitionNode, parse, print_ast

from gateway.authorization.policy_files import read_policies
from gateway.composition import compose
from gateway.composition.config import read_config
from gateway.demand.weights import read_weights
from gateway.federation.access_rules import access_rules, policy_names
from gateway.federation.supergraph import load_supergraph
from schema import FOLDER, OPERATIONS, POLICIES, SUPERGRAPH
from subgraphs.catalog import NAMES


def test_the_supergraph_is_composed_of_the_subgraphs():
    composed = compose(read_config(FOLDER / "supergraph.yaml"))
    assert SUPERGRAPH.read_text() == composed.sdl, "run `make schema`"
    assert set(load_supergraph(composed.sdl).subgraphs) == set(NAMES)


def test_every_entity_tells_where_it_is_from_and_how_sensitive_it_is():
    """An entity is whatever a subgraph resolves by a key, in whichever of them its fields are."""
    supergraph = load_supergraph(SUPERGRAPH.read_text())
    document = parse(SUPERGRAPH.read_text())
    entities = {
        type_.name.value: {field.name.value: print_ast(field.type) for field in type_.fields}
        for type_ in document.definitions
        if isinstance(type_, ObjectTypeDefinitionNode)
        and any(
            argument.name.value == "key"
            for directive in type_.directives
            for argument in directive.arguments
        )
    }
    assert len(entities) >= 11
    assert entities.keys() <= supergraph.api_schema.type_map.keys()
    del entities["Medication"]  # a term of RxNorm, of nobody in particular
    for ours in ("Consent", "BreakGlassGrant"):
        del entities[ours]  # of no source: it was said to us, and says who said it
    del entities["Measure"]  # of no source: a definition of ours
    # A part of its appointment, which tells; the directory finds whoever it is by its key.
    del entities["AppointmentParticipant"]
    # Computed over what all sources say, it disagrees with nobody.
    one_source_s = {"Payment", "Schedule", "Slot", "CareGap"}
    for name, fields in entities.items():
        assert fields.get("provenance") == "[Provenance!]!", name
        assert fields.get("securityLabels") == "[Coding!]!", name
        # A patient's sources disagree by person, not by fact.
        if name != "Patient" and name not in one_source_s:
            assert fields.get("conflicts") == "[Conflict!]!", name


def test_every_mutation_tells_as_data_what_its_caller_can_mend():
    schema = load_supergraph(SUPERGRAPH.read_text()).api_schema
    for field in schema.mutation_type.fields.values():
        ways = {member.name for member in field.type.types}
        assert ways >= {"StateConflict", "Denied", "NotFound", "InvalidInput"}, field.type.name


def test_every_policy_is_permitted_to_someone():
    rules = access_rules(load_supergraph(SUPERGRAPH.read_text()))
    assert policy_names(rules) == read_policies(POLICIES).decisions


def test_the_deployment_brings_the_policies_along():
    gateway = yaml.safe_load((FOLDER.parent / "docker-compose.yml").read_text())["services"]
    given = gateway["gateway"]["environment"]["CHARTGRAPH_POLICIES"]
    assert f"./schema/{POLICIES.name}:{given}:ro" in gateway["gateway"]["volumes"]


def test_the_package_brings_the_border_along():
    """A wheel must hold what the demo reads."""
    shipped = {path.name for path in Path(OPERATIONS).iterdir()}
    assert {"patient-summary.graphql", "worklist.graphql"} <= shipped


def test_every_page_tells_how_long_it_is():
    """Else an operation's cost would be a guess."""
    supergraph = load_supergraph(SUPERGRAPH.read_text(encoding="utf-8"))
    weights = read_weights(supergraph)
    pages = [
        (type_.name, field.name)
        for type_ in supergraph.types.values()
        for field in type_.fields.values()
        if field.type_name.endswith("Connection")
    ]
    assert ("Query", "patients") in pages
    for place in pages:
        (size,) = weights.list_sizes(*place)
        assert (size.slicing, size.sized) == (("first",), {"edges", "nodes"})
