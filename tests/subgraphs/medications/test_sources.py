"""The searches prescriptions and dispenses are asked by, and where their drugs are found."""

import json

import pytest

from subgraphs.connectors.errors import Rejected, TimedOut
from subgraphs.medications.sources.fhir import INTENTS, FhirMedications
from tests.shared_data import shared_data
from tests.subgraphs.sources import FhirServerHolding, SourceContract

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LISTED = ",".join(INTENTS)


def drug(id_, code="314076", **fields):
    concept = {"coding": [{"system": RXNORM, "code": code}]}
    return {"resourceType": "Medication", "id": id_, "code": concept, **fields}


def row(id_, patient="p1", **fields):
    return {"id": id_, "subject": {"reference": f"Patient/{patient}"}, **fields}


def referring(id_, reference, **fields):
    return row(id_, medicationReference={"reference": reference}, **fields)


class FakeServer:
    """Takes only searches that `takes` wants; keeps what it was asked."""

    def __init__(self, *rows, brings=(), holds=(), takes=lambda _: True, reads=None) -> None:
        self.rows = rows
        self.brings = list(brings)
        self.holds = {each["id"]: each for each in holds}
        self.takes = takes
        self.fails = reads
        self.asked = []

    async def search_including(self, resource_type, param, keys, others=None):
        if "_revinclude" in (others or {}):
            raise Rejected(400)
        self.asked.append((resource_type, param, list(keys), dict(others or {})))
        if not self.takes(others):
            raise Rejected(400)
        brought = self.brings if "_include" in others else []
        return {key: [r for r in self.rows if key in r["subject"]["reference"]] for key in keys}, [
            *brought
        ]

    async def read(self, resource_type, ids):
        self.asked.append(("read", resource_type, list(ids)))
        if self.fails:
            raise self.fails
        return {id_: self.holds[id_] for id_ in ids if id_ in self.holds}


def codes(answer, patient="p1"):
    rows = answer.rows[patient]
    return [r.medication.coding[0].code if r.medication else None for r in rows]


async def test_prescriptions_are_one_search_by_patient_and_every_intent():
    server = FakeServer(row("1"), row("2", "p2"))
    answer = await FhirMedications(server).requests(["p1", "p2"])
    assert {patient: len(rows) for patient, rows in answer.rows.items()} == {"p1": 1, "p2": 1}
    asked = {"intent": LISTED, "_include": "MedicationRequest:medication"}
    assert server.asked == [("MedicationRequest", "patient", ["p1", "p2"], asked)]


async def test_dispenses_are_one_search_by_patient():
    server = FakeServer(row("1"))
    await FhirMedications(server).dispenses(["p1"])
    asked = {"_include": "MedicationDispense:medication"}
    assert server.asked == [("MedicationDispense", "patient", ["p1"], asked)]


@pytest.mark.parametrize(
    ("takes", "shapes"),
    [
        (lambda others: "_include" not in others, [LISTED]),
        (lambda others: "," not in others["intent"], INTENTS),
        (lambda others: "," not in others["intent"] and "_include" not in others, INTENTS),
    ],
)
async def test_a_server_that_declines_is_asked_in_the_next_way_from_then_on(takes, shapes):
    server = FakeServer(row("1"), takes=takes)
    source = FhirMedications(server)
    await source.requests(["p1"])
    server.asked.clear()
    answer = await source.requests(["p1"])
    assert {row.id for row in answer.rows["p1"]} == {"1"}
    assert [asked[3]["intent"] for asked in server.asked] == list(shapes)
    assert all(takes(asked[3]) for asked in server.asked)


async def test_a_server_that_declines_everything_is_asked_anew_next_time():
    server = FakeServer(row("1"), takes=lambda _: False)
    source = FhirMedications(server)
    with pytest.raises(Rejected):
        await source.requests(["p1"])
    server.takes = lambda _: True
    server.asked.clear()
    await source.requests(["p1"])
    assert [asked[3]["intent"] for asked in server.asked] == [LISTED]


async def test_drugs_come_coded_contained_or_brought_along_in_one_call():
    contained = [drug("in", "1819"), {"resourceType": "Organization", "id": "o"}, "nonsense"]
    server = FakeServer(
        row("1", medicationCodeableConcept=drug("", "161")["code"]),
        referring("2", "#in", contained=contained),
        referring("3", "Medication/m1"),
        referring("4", "https://ehr.example/fhir/Medication/m1/_history/2"),
        brings=[drug("m1", "617310"), {"resourceType": "Medication"}],
    )
    source = FhirMedications(server, base="https://ehr.example/fhir")
    answer = await source.requests(["p1"])
    assert codes(answer) == ["161", "1819", "617310", "617310"]
    assert len(server.asked) == 1
    assert answer.damaged == frozenset()


async def test_drugs_that_did_not_come_along_are_read_in_one_more_call():
    rows = (referring("1", "Medication/m1"), referring("2", "Medication/m2"))
    server = FakeServer(*rows, referring("3", "Medication/m1"), holds=[drug("m1"), drug("m2")])
    answer = await FhirMedications(server).dispenses(["p1"])
    assert codes(answer) == ["314076"] * 3
    assert server.asked[1:] == [("read", "Medication", ["m1", "m2"])]


@pytest.mark.parametrize("error", [None, Rejected(404)])
async def test_a_drug_that_leads_nowhere_has_its_name_and_marks_the_answer(error):
    reference = {"reference": "Medication/gone", "display": "Prinivil"}
    server = FakeServer(row("1", medicationReference=reference), row("2", "p2"), reads=error)
    answer = await FhirMedications(server).requests(["p1", "p2"])
    (found,) = answer.rows["p1"]
    assert (found.medication.coding, found.medication.text) == ((), "Prinivil")
    assert answer.damaged == {"p1"}


@pytest.mark.parametrize(
    "reference", ["https://elsewhere.example/fhir/Medication/m1", "#gone", "urn:uuid:m1"]
)
async def test_another_server_s_drug_of_that_id_is_not_taken_for_ours(reference):
    server = FakeServer(referring("1", reference), brings=[drug("m1")], holds=[drug("m1")])
    answer = await FhirMedications(server, base="https://ehr.example/fhir/").requests(["p1"])
    assert codes(answer) == [None]
    assert answer.damaged == {"p1"}
    assert len(server.asked) == 1


async def test_an_upstream_that_fails_while_drugs_are_read_has_failed():
    server = FakeServer(referring("1", "Medication/m1"), reads=TimedOut("late"))
    with pytest.raises(TimedOut):
        await FhirMedications(server).requests(["p1"])


@pytest.mark.parametrize("wrong", [{"reference": 7}, "Medication/1", {"display": "x"}, {}])
async def test_what_is_no_reference_is_followed_nowhere(wrong):
    server = FakeServer(row("1", medicationReference=wrong))
    answer = await FhirMedications(server).requests(["p1"])
    assert len(server.asked) == 1
    assert answer.damaged == (
        frozenset() if isinstance(wrong, dict) and 7 not in wrong.values() else {"p1"}
    )


@pytest.mark.parametrize("question", ["requests", "dispenses"])
class TestFhirMedications(SourceContract):
    @pytest.fixture(autouse=True)
    def _of_each_question(self, question):
        self.question = question

    def row(self, id_, patient):
        return row(id_, patient)

    async def ask(self, patients, held, error=None):
        source = FhirMedications(FhirServerHolding(held, error))
        return await getattr(source, self.question)(patients)


@pytest.mark.shared_data
async def test_us_core_s_own_examples_lose_nothing_that_must_be_supported():
    folder = shared_data("uscore-examples")
    held = {
        file.stem.partition("-")[2]: json.loads(file.read_bytes())
        for type_ in ("MedicationRequest", "MedicationDispense", "Medication")
        for file in sorted(folder.glob(f"{type_}-*.json"))
    }
    drugs = [each for each in held.values() if each["resourceType"] == "Medication"]

    class Examples:
        async def search_including(self, type_, _param, _keys, _others=None):
            rows = [each for each in held.values() if each["resourceType"] == type_]
            return {"example": rows}, drugs

    source = FhirMedications(Examples())
    requests, dispenses = await source.requests(["example"]), await source.dispenses(["example"])
    assert requests.damaged == dispenses.damaged == frozenset()
    found = {row.id: row for row in (*requests.rows["example"], *dispenses.rows["example"])}
    assert len(found) >= 5
    for row in found.values():
        wire = held[row.id]
        assert row.medication.coding[0].code
        assert row.status == wire["status"]
        texts = [each.get("text") for each in wire.get("dosageInstruction", ())]
        assert [each.text for each in row.dosage_instruction] == texts
    coded = found["medicationrequest-coded-oral-axid"]
    assert coded.adherence.coding[0].code == "275928001"
    assert coded.dosage_instruction[0].dose.value == 10
    assert coded.dispense_request.quantity.value == 480
    assert found["self-tylenol"].reported is True
    (named,) = found["medicationrequest-referenced-oral-axid"].reasons
    assert named.text == "Active Duodenal Ulcer"
    (given,) = dispenses.rows["example"]
    assert given.prescriptions == {"medicationrequest-coded-oral-axid"}
    assert (given.quantity.value, given.type.code, given.context.id_of("Encounter")) == (
        (480, "FFC", "example-1")
    )
