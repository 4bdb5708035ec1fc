"""The searches records ask: by patient alone, which every US Core server promises."""

import pytest

from subgraphs.connectors.errors import Rejected
from subgraphs.records.sources.fhir import PLANS, FhirRecords
from tests.subgraphs.sources import BringsNothing, FhirServerHolding, SourceContract

KINDS = {
    "encounters": "Encounter",
    "conditions": "Condition",
    "allergies": "AllergyIntolerance",
    "procedures": "Procedure",
    "immunizations": "Immunization",
    "care_plans": "CarePlan",
    "goals": "Goal",
    "devices": "Device",
    "family": "FamilyMemberHistory",
    "documents": "DocumentReference",
    "responses": "QuestionnaireResponse",
}


class FakeServer(BringsNothing):
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


async def test_plans_are_asked_by_category_of_a_server_that_wants_one():
    asked = []

    class WantsCategories(BringsNothing):
        async def search_by(self, _type, _param, _keys, others=None):
            asked.append(dict(others or {}))
            if not others:
                raise Rejected(400)
            owner = {"reference": "Patient/p1"}
            return {"p1": [{"id": "1", "subject": owner}]}

    source = FhirRecords(WantsCategories())
    for _ in range(2):
        answer = await source.care_plans(["p1"])
        assert [plan.id for plan in answer.rows["p1"]] == ["1"]
    assert asked == [{}, PLANS, PLANS]


async def test_a_document_is_labelled_by_its_own_element_too():
    owner = {"reference": "Patient/p1"}
    own = [{"coding": [{"code": "PSY"}, "junk"]}, {"text": "secret"}, "junk"]
    rows = [
        {"id": "1", "subject": owner, "securityLabel": own},
        {"id": "2", "subject": owner, "securityLabel": own, "meta": {"security": [{"code": "R"}]}},
        {"id": "3", "subject": owner, "securityLabel": "junk"},
    ]
    source = FhirRecords(FhirServerHolding({"p1": rows}, None))
    found = (await source.documents(["p1"])).rows["p1"]
    labels = [[label.code for label in document.meta.security] for document in found]
    assert labels == [["PSY"], ["R", "PSY"], []]
