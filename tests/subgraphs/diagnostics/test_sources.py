"""The searches a FHIR source is asked: shapes US Core promises, with and without lists."""

import pytest

from subgraphs.connectors.errors import Rejected
from subgraphs.diagnostics.model import Observation
from subgraphs.diagnostics.sources.fhir import SPARE, FhirDiagnostics
from subgraphs.runtime.fhir import translate

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def row(id_, patient="p1", **fields):
    return {"id": id_, "subject": {"reference": f"Patient/{patient}"}, **fields}


class FakeServer:
    """Answers every search with the same rows; keeps what it was asked."""

    def __init__(self, *rows, takes_lists=True) -> None:
        self.rows = rows
        self.takes_lists = takes_lists
        self.asked = []

    async def search_by(self, resource_type, param, keys, others=None):
        self.asked.append((resource_type, param, list(keys), others))
        if not self.takes_lists and any("," in value for value in (others or {}).values()):
            raise Rejected(400)
        of = {row["subject"]["reference"].split("/")[1]: [] for row in self.rows}
        for found in self.rows:
            of[found["subject"]["reference"].split("/")[1]].append(found)
        return {key: of.get(key, []) for key in keys}

    async def latest_by(self, resource_type, param, keys, others=None, *, sort, per_key=1):
        self.asked.append(("latest", param, list(keys), others, sort, per_key))
        return await FakeServer(*self.rows).search_by(resource_type, param, keys)


async def test_categories_are_one_search_by_patient_and_category():
    server = FakeServer(row("1"))
    answer = await FhirDiagnostics(server).by_category(["p1"], ["laboratory", "survey"])
    assert [found.id for found in answer.rows["p1"]] == ["1"]
    tokens = f"{CATEGORY}|laboratory,{CATEGORY}|survey"
    assert server.asked == [("Observation", "patient", ["p1"], {"category": tokens})]


async def test_a_server_that_takes_no_lists_is_asked_one_by_one_from_then_on():
    server = FakeServer(row("1"), row("2"), takes_lists=False)
    source = FhirDiagnostics(server)
    answer = await source.by_code(["p1"], ["a", "b"])
    # Both searches found both rows: each is there once.
    assert [found.id for found in answer.rows["p1"]] == ["1", "2"]
    await source.by_code(["p1"], ["a", "b"])
    assert [others["code"] for _, _, _, others in server.asked] == ["a,b", "a", "b", "a", "b"]


async def test_a_single_code_that_is_rejected_is_an_error():
    server = FakeServer(takes_lists=False)
    with pytest.raises(Rejected):
        await FhirDiagnostics(server).by_code(["p1"], ["a,b"])


async def test_the_newest_are_asked_for_with_some_to_spare():
    server = FakeServer(row("1"), row("2", "p2"))
    answer = await FhirDiagnostics(server).latest_by_code(["p1", "p2"], ["a"])
    assert {patient: len(rows) for patient, rows in answer.rows.items()} == {"p1": 1, "p2": 1}
    assert server.asked == [("latest", "patient", ["p1", "p2"], {"code": "a"}, "-date", SPARE)]


async def test_one_patient_s_several_codes_are_one_search():
    server = FakeServer(row("1"))
    await FhirDiagnostics(server).latest_by_code(["p1"], ["a", "b"])
    assert server.asked == [("Observation", "patient", ["p1"], {"code": "a,b"})]


def test_a_row_of_another_patient_or_without_one_marks_the_answer():
    found = {"p1": [row("1"), row("2", "p2"), {"id": "3"}, {"id": 4}]}
    answer = translate(found, Observation)
    assert [found.id for found in answer.rows["p1"]] == ["1"]
    assert answer.damaged == {"p1"}
