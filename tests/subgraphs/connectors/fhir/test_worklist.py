"""Fifty patients: last A1c and next appointment from two EHRs, coverage from a payer.

The product promises at most eight upstream calls for it, with pages of a hundred rows, wherever OR
lists or batches are offered. By batches that holds whatever the data. By OR lists it holds while
the rows of those who are not on the first page fit on one more; the last test says what it costs
where neither is offered.
"""

import asyncio

import pytest

from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.transport import open_client
from tests.subgraphs.connectors.fhir.ehr import BASE, Ehr, observation

PATIENTS = [f"p{number}" for number in range(50)]


def appointment(id_: str, patient: str, when: int) -> dict:
    actor = {"reference": f"Patient/{patient}"}
    participant = [{"actor": actor}]
    return {"resourceType": "Appointment", "id": id_, "participant": participant, "when": when}


def coverage(patient: str) -> dict:
    beneficiary = {"reference": f"Patient/{patient}"}
    return {"resourceType": "Coverage", "id": f"c-{patient}", "beneficiary": beneficiary}


def ehr_rows() -> list[dict]:
    """Three A1c and two appointments each, and one patient who was measured daily."""
    daily = [observation(f"daily-{n}", "p0", when=1000 + n) for n in range(365)]
    each = [row for p in PATIENTS for row in _of(p)]
    return daily + each


def _of(patient: str) -> list[dict]:
    measured = [observation(f"{patient}-o{n}", patient, when=n) for n in range(2)]
    booked = [appointment(f"{patient}-a{n}", patient, when=n) for n in range(2)]
    return measured + booked


async def worklist_calls(**offer: bool) -> int:
    ehrs = [Ehr(ehr_rows(), page_cap=100, **offer) for _ in range(2)]
    payer = Ehr([coverage(patient) for patient in PATIENTS], page_cap=100, **offer)
    config = FhirSource(id="x", url=BASE, serves=())
    *servers, at_payer = (
        FhirServer(config, open_client(config, network=ehr.network)) for ehr in [*ehrs, payer]
    )
    questions = [
        server.latest_by(type_, "patient", PATIENTS, sort=sort)
        for server in servers
        for type_, sort in (("Observation", "-date"), ("Appointment", "date"))
    ]
    *found, covered = await asyncio.gather(
        *questions, at_payer.search_by("Coverage", "patient", PATIENTS)
    )
    assert all(len(rows) == 1 for answer in found for rows in answer.values())
    assert [rows["p0"][0]["id"] for rows in found] == ["daily-364", "p0-a0"] * 2
    assert all(len(rows) == 1 for rows in covered.values())
    return sum(ehr.data_calls for ehr in [*ehrs, payer])


@pytest.mark.parametrize(
    ("offer", "calls"),
    [
        pytest.param({}, 5, id="OR lists and batches"),
        pytest.param({"says_or": False, "takes_or": False}, 5, id="batches"),
        pytest.param({"says_batch": False, "takes_batch": False}, 7, id="OR lists"),
    ],
)
async def test_a_worklist_takes_at_most_eight_calls(offer, calls):
    assert await worklist_calls(**offer) == calls <= 8


async def test_where_nothing_is_offered_it_takes_one_call_for_each_patient_and_question():
    nothing = {"says_or": False, "takes_or": False, "says_batch": False, "takes_batch": False}
    assert await worklist_calls(**nothing) == 5 * 50
