"""CARIN's examples and Inferno's patient 888 lose nothing that CARIN marks as must support."""

from __future__ import annotations

import asyncio

import pytest

from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.schema import SCHEMA
from subgraphs.coverage.sources.payer import Payer
from tests.must_support.passing import Domain, pass_all, read_examples
from tests.must_support.table import Table, Type, holes, load_table
from tests.shared_data import shared_data

DOMAINS = {
    "coverage": Domain(
        SCHEMA, lambda servers: Payers({id_: Payer(each) for id_, each in servers.items()}, {})
    )
}
TABLE = load_table("carin.yaml")
EXAMPLES = (
    "c4bb_coverage_example",
    "c4bb_eob_coverage_example",
    "c4bb_eob_include_bundle",
    "c4bb_eob_inpatient_example",
    "explanation_of_benefit_all",
)

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def examples():
    found = {name: read_examples([shared_data("carin") / f"{name}.json"]) for name in EXAMPLES}
    inferno = shared_data("inferno-reference") / "carin_bundle_patient_888.json"
    return found | {"inferno": read_examples([inferno])}


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
    found = {each["resourceType"] for resources in examples.values() for each in resources}
    assert found <= TABLE.types.keys() | TABLE.not_read.keys()


@pytest.mark.parametrize("name", [*EXAMPLES, "inferno"])
def test_nothing_is_lost(name, passed):
    assert passed[name].lost == []


def test_every_row_is_of_something_that_some_example_has(passed):
    compared = {row for found in passed.values() for row, times in found.compared.items() if times}
    rows = {f"{name}.{row.element}" for name, type_ in TABLE.types.items() for row in type_.rows}
    assert rows - compared == set()


def test_what_is_lost_is_noticed(examples):
    shown = {"outcome": "status", "patient": "patient.id reference"}
    explained = Type(
        subgraph="coverage", owner="patient", shown=shown, profiles={"any": "outcome total"}
    )
    table = Table(types={"ExplanationOfBenefit": explained}, not_read={})
    found = asyncio.run(pass_all(table, examples["inferno"], DOMAINS))
    assert len(found.lost) == found.compared["ExplanationOfBenefit.outcome"] == 5
    assert holes(table) == ["ExplanationOfBenefit.total"]
