"""The guide's own prior authorizations lose nothing that PAS and PDex mark as must support."""

from __future__ import annotations

import asyncio

import pytest

from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.schema import SCHEMA
from subgraphs.coverage.sources.payer import Payer
from subgraphs.coverage.sources.prior_authorizations import PriorAuthorizations
from tests.must_support.everything import EVERYTHING
from tests.must_support.passing import WRITTEN, Domain, pass_all, read_examples
from tests.must_support.table import holes, load_table
from tests.shared_data import shared_data

DOMAINS = {
    "coverage": Domain(
        SCHEMA,
        lambda servers: Payers(
            {id_: Payer(server) for id_, server in servers.items()},
            {},
            {id_: PriorAuthorizations(server) for id_, server in servers.items()},
        ),
    )
}
TABLE = load_table("pas.yaml")
EXAMPLES = (
    "conformant_pas_bundle_v110_multiple_items",
    "conformant_pas_bundle_v110_uuid",
    "conformant_pas_inquire_bundle_v110",
    "pas_claim",
    "valid_pa_response_bundle",
    "PAS_notification_example_full_resource",
    # These break rules of their bundles; what they say of the authorization is read all the same.
    "invalid_first_entry_response_bundle",
    "missing_referenced_resource_response_bundle",
    "pa_response_bundle_missing_elements",
    "response_bundle_patient_wrong_fullurl",
)


def authorizations(file):
    found = read_examples([file])
    return [each for each in found if each.get("use") in (None, "preauthorization")]


def passed(resources):
    return asyncio.run(pass_all(TABLE, resources, DOMAINS))


def test_every_marked_element_has_its_place():
    assert holes(TABLE) == []


@pytest.mark.shared_data
@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_is_lost_of_the_guide_s_examples(name):
    found = passed(authorizations(shared_data("davinci-pas") / f"{name}.json"))
    assert found.lost == []
    assert sum(found.compared.values()) > 5


@pytest.mark.shared_data
def test_nothing_is_lost_of_what_a_payer_tells_patients():
    found = passed(
        authorizations(shared_data("inferno-reference") / "pdex_bundle_patient_999.json")
    )
    assert found.lost == []
    assert found.compared["ExplanationOfBenefit.total.amount"] == 1


def test_every_row_is_of_something_that_we_have_seen():
    found = passed([{**each, "meta": META} for each in EVERYTHING])
    assert found.lost == []
    rows = {f"{name}.{row.element}" for name, type_ in TABLE.types.items() for row in type_.rows}
    assert rows - {row for row, times in found.compared.items() if times} == set()


META = {"versionId": "1", "lastUpdated": WRITTEN}
