"""US Core's own examples and Inferno's patients lose nothing that US Core marks as must support."""

from __future__ import annotations

import asyncio

import pytest

from subgraphs.diagnostics.schema import SCHEMA as DIAGNOSTICS
from subgraphs.diagnostics.sources.fhir import FhirDiagnostics
from subgraphs.directory.loaders.entries import Directory
from subgraphs.directory.schema import SCHEMA as DIRECTORY
from subgraphs.directory.sources.fhir import FhirDirectory, FhirTeams
from subgraphs.medications.loaders import Medications
from subgraphs.medications.schema import SCHEMA as MEDICATIONS
from subgraphs.medications.sources.fhir import FhirMedications
from subgraphs.records.schema import SCHEMA as RECORDS
from subgraphs.records.sources.fhir import FhirRecords
from tests.must_support.passing import Domain, pass_all, read_examples
from tests.must_support.table import Table, Type, holes, load_table
from tests.shared_data import shared_data

DOMAINS = {
    "records": Domain(
        RECORDS, lambda servers: {id_: FhirRecords(server) for id_, server in servers.items()}
    ),
    "diagnostics": Domain(
        DIAGNOSTICS,
        lambda servers: {id_: FhirDiagnostics(server) for id_, server in servers.items()},
    ),
    "directory": Domain(
        DIRECTORY,
        lambda servers: Directory(
            {id_: FhirDirectory(server, server.config.url) for id_, server in servers.items()},
            {id_: FhirTeams(server) for id_, server in servers.items()},
        ),
    ),
    "medications": Domain(
        MEDICATIONS,
        lambda servers: Medications(
            {id_: FhirMedications(server) for id_, server in servers.items()}
        ),
    ),
}
TABLE = load_table("us-core.yaml")
SETS = {
    "examples": ("uscore-examples", "*.json"),
    "inferno": ("inferno-reference", "uscore_bundle_patient_*.json"),
    "pdex": ("inferno-reference", "pdex_bundle_patient_999.json"),
}

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def examples():
    return {
        name: read_examples(sorted(shared_data(folder).glob(pattern)))
        for name, (folder, pattern) in SETS.items()
    }


@pytest.fixture(scope="module")
def passed(examples):
    """What came of each set; asked once, for all tests."""
    return {
        name: asyncio.run(pass_all(TABLE, resources, DOMAINS))
        for name, resources in examples.items()
    }


def test_every_marked_element_has_its_place():
    assert holes(TABLE) == []


def test_every_type_of_the_examples_is_read_or_not_for_a_reason(examples):
    found = {resource["resourceType"] for resource in examples["examples"]}
    assert found <= TABLE.types.keys() | TABLE.not_read.keys()
    assert not TABLE.types.keys() & TABLE.not_read.keys()


@pytest.mark.parametrize("name", SETS)
def test_nothing_is_lost(name, passed):
    assert passed[name].lost == []


def test_every_row_is_of_something_that_some_example_has(passed):
    compared = {row for found in passed.values() for row, times in found.compared.items() if times}
    for name, type_ in TABLE.types.items():
        unseen = [row.element for row in type_.rows if f"{name}.{row.element}" not in compared]
        assert unseen == type_.unseen.split(), name


def test_what_is_lost_is_noticed(examples):
    shown = {"code": "severity concept", "subject": "patient.id reference"}
    conditions = Type(subgraph="records", shown=shown, profiles={"any": "code subject onset"})
    table = Table(types={"Condition": conditions}, not_read={})
    found = asyncio.run(pass_all(table, examples["examples"], DOMAINS))
    assert len(found.lost) == found.compared["Condition.code"] == 6
    assert holes(table) == ["Condition.onset"]
