"""The kinds of sources: ours, and what a package may bring along."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from subgraphs import catalog
from subgraphs.connectors import kinds
from subgraphs.connectors.config import ConfigError
from subgraphs.connectors.kinds import GROUP, OURS, connector_of
from subgraphs.connectors.searched import Searched

FHIR = "subgraphs.connectors.fhir.server:FhirServer"


@pytest.fixture
def brought(monkeypatch):
    """What packages bring, by name and value."""

    def bring(*entries: tuple[str, str], group=GROUP, module=kinds):
        found = EntryPoints(EntryPoint(name, value, group) for name, value in entries)
        monkeypatch.setattr(module, "entry_points", lambda **_: found)

    return bring


@pytest.mark.parametrize("kind", OURS)
def test_each_of_ours_is_a_connector_of_that_kind(kind):
    connector = connector_of(kind)
    assert connector.settings.__struct_config__.tag == kind
    assert connector.settings.media_types


def test_what_is_searched_is_told_by_its_class():
    searched = {kind for kind in OURS if issubclass(connector_of(kind), Searched)}
    assert searched == {"fhir-r4", "inbox"}


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ([], "there is no kind 'lab'; known are"),
        ([("lab", FHIR)], "the settings of .*FhirServer are of kind 'fhir-r4'"),
        ([("lab", "json:loads")], "json:loads is no connector"),
        ([("lab", "json:JSONDecoder")], "json:JSONDecoder is no connector"),
        ([("lab", FHIR), ("lab", "json:loads")], "several packages bring the kind 'lab'"),
    ],
)
def test_what_a_package_brings_has_to_be_of_its_name_and_alone(entries, complaint, brought):
    brought(*entries)
    with pytest.raises(ConfigError, match=complaint):
        connector_of("lab")


def test_no_package_takes_the_place_of_one_of_ours(brought):
    brought(("fhir-r4", "json:loads"))
    assert connector_of("fhir-r4").__name__ == "FhirServer"


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ([("records", "json")], "a subgraph of a name of ours: records"),
        ([("studies", "json")], "json has no SCHEMA"),
        ([("studies", "json"), ("studies", "re")], "several packages bring the subgraph 'studies'"),
        ([], "there is no subgraph 'studies'"),
    ],
)
def test_a_subgraph_that_a_package_brings_has_to_be_one(entries, complaint, brought):
    brought(*entries, group=catalog.GROUP, module=catalog)
    with pytest.raises(ConfigError, match=complaint):
        catalog.schema_of("studies" if "records" not in dict(entries) else catalog.added()[0])
