"""The searches records ask: by patient alone, which every US Core server promises."""

import pytest

from subgraphs.records.sources.fhir import FhirRecords
from tests.subgraphs.sources import FhirServerHolding, SourceContract

KINDS = {
    "encounters": "Encounter",
    "conditions": "Condition",
    "allergies": "AllergyIntolerance",
    "procedures": "Procedure",
    "immunizations": "Immunization",
}


class FakeServer:
    def __init__(self) -> None:
        self.asked = []

    async def search_by(self, resource_type, param, keys, others=None):
        self.asked.append((resource_type, param, list(keys), others))
        owner = {"reference": "Patient/p1"}
        return {"p1": [{"id": "1", "subject": owner, "patient": owner}], "p2": []}


@pytest.mark.parametrize(("question", "resource_type"), KINDS.items())
async def test_asks_by_patient_alone(question, resource_type):
    server = FakeServer()
    answer = await getattr(FhirRecords(server), question)(["p1", "p2"])
    assert server.asked == [(resource_type, "patient", ["p1", "p2"], None)]
    assert {patient: len(rows) for patient, rows in answer.rows.items()} == {"p1": 1, "p2": 0}
    assert answer.damaged == frozenset()


@pytest.mark.parametrize("question", KINDS)
class TestFhirRecords(SourceContract):
    @pytest.fixture(autouse=True)
    def _of_each_question(self, question):
        self.question = question

    def row(self, id_, patient):
        owner = {"reference": f"Patient/{patient}"}
        return {"id": id_, "subject": owner, "patient": owner}

    async def ask(self, patients, held, error=None):
        source = FhirRecords(FhirServerHolding(held, error))
        return await getattr(source, self.question)(patients)
