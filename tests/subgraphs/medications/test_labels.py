"""The label of a prescription holds for what is dispensed of the same, whoever dispensed it."""

import asyncio
from datetime import UTC, datetime

import pytest

from contract.context import Caller
from subgraphs.connectors.errors import TimedOut
from subgraphs.medications.loaders import Medications, load_dispenses, load_requests
from subgraphs.medications.model import MedicationDispense, MedicationRequest
from subgraphs.runtime.access import Access, Compartment
from subgraphs.runtime.consent import UNDIRECTED
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.fhir import translate
from subgraphs.runtime.request import Request, Subgraph
from subgraphs.runtime.sealing import IdSeal
from tests.subgraphs.signed import KEY

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SERTRALINE, LISINOPRIL = "312941", "314076"
CLINICIAN = Caller("c", roles=("clinician",), scopes=("user/*.rs",))
HERSELF = Caller("p", roles=("patient",), scopes=("patient/*.rs",), patient="north/ada")
ADA = Compartment(
    "ada", tuple(Link(source, "ada") for source in ("north", "south")), ruling=UNDIRECTED
)


def row(id_, code, *labels, **fields):
    return {
        "id": id_,
        "meta": {"security": [{"code": label} for label in labels]},
        "subject": {"reference": "Patient/ada"},
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": code}]},
        **fields,
    }


class FakeSource:
    def __init__(self, requests=(), dispenses=(), error=None) -> None:
        self.held = requests, dispenses
        self.error = error
        self.asked = []

    async def requests(self, patients):
        return self._answer("requests", patients, self.held[0], MedicationRequest)

    async def dispenses(self, patients):
        return self._answer("dispenses", patients, self.held[1], MedicationDispense)

    def _answer(self, question, patients, rows, model):
        self.asked.append(question)
        if self.error and question == "requests":
            raise self.error
        return translate({patient: list(rows) for patient in patients}, model)


def asking(north, south, caller=CLINICIAN):
    services = Medications({"north": north, "south": south})
    now = datetime(2026, 11, 22, tzinfo=UTC)
    graph = Subgraph("medications", IdSeal(KEY), Crosswalk(KEY), None, services, lambda: now)
    return Request(graph, Access(caller))


def ids(found):
    return {fact.resource.id for fact in found.rows}


async def test_what_is_dispensed_of_a_labelled_prescription_is_closed_at_every_source():
    north = FakeSource(requests=[row("rx", SERTRALINE, "PSY")])
    south = FakeSource(dispenses=[row("d1", SERTRALINE), row("d2", LISINOPRIL)])
    request = asking(north, south)
    assert ids(await load_dispenses(request, ADA)) == {"d2"}
    refused = request.access.report("medications", "r").refusals
    assert {(each.type, each.reason) for each in refused} == {("MedicationDispense", "label")}
    mine = await load_dispenses(asking(north, south, HERSELF), ADA)
    assert ids(mine) == {"d1", "d2"}
    labels = {fact.resource.id: fact.labels for fact in mine.rows}
    assert labels == {"d1": {"PSY"}, "d2": frozenset()}


async def test_both_are_asked_at_once_and_once_for_both_lists():
    north, south = FakeSource(), FakeSource()
    request = asking(north, south)
    await asyncio.gather(load_dispenses(request, ADA), load_requests(request, ADA))
    assert sorted(north.asked) == sorted(south.asked) == ["dispenses", "requests"]


@pytest.mark.parametrize("scope", ["user/MedicationRequest.rs", "user/Condition.rs"])
async def test_nobody_is_asked_for_dispenses_that_may_not_be_read(scope):
    north = FakeSource(dispenses=[row("d", LISINOPRIL)])
    caller = Caller("c", roles=("clinician",), scopes=(scope,))
    assert ids(await load_dispenses(asking(north, FakeSource(), caller), ADA)) == set()
    assert north.asked == []


async def test_dispenses_are_there_while_prescriptions_cannot_be_had():
    north = FakeSource(dispenses=[row("d", LISINOPRIL)], error=TimedOut("late"))
    assert ids(await load_dispenses(asking(north, FakeSource()), ADA)) == {"d"}
