"""The searches a FHIR source is asked: shapes US Core promises, with and without lists."""

import pytest

from subgraphs.connectors.errors import Rejected
from subgraphs.diagnostics.model import Observation
from subgraphs.diagnostics.sources import SPARE
from subgraphs.diagnostics.sources.fhir import EVERY_CATEGORY, FhirDiagnostics
from subgraphs.runtime.fhir import translate
from tests.subgraphs.sources import BringsNothing, FhirServerHolding, SourceContract

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def row(id_, patient="p1", **fields):
    return {"id": id_, "subject": {"reference": f"Patient/{patient}"}, **fields}


class FakeServer(BringsNothing):
    """Answers every search with the same rows; keeps what it was asked."""

    def __init__(self, *rows, takes_lists=True, wants_more_than_patient=False) -> None:
        self.rows = rows
        self.takes_lists = takes_lists
        self.wants_more_than_patient = wants_more_than_patient
        self.declines = False
        self.asked = []

    async def search_by(self, resource_type, param, keys, others=None):
        self.asked.append((resource_type, param, list(keys), others))
        if self.declines or (self.wants_more_than_patient and not self.narrows(others)):
            raise Rejected(400)
        if not self.takes_lists and any("," in value for value in (others or {}).values()):
            raise Rejected(400)
        of = {row["subject"]["reference"].split("/")[1]: [] for row in self.rows}
        for found in self.rows:
            of[found["subject"]["reference"].split("/")[1]].append(found)
        return {key: of.get(key, []) for key in keys}

    @staticmethod
    def narrows(others):
        return bool((others or {}).keys() - {"_count"})

    async def latest_by(self, resource_type, param, keys, others=None, *, sort, per_key=1):
        self.asked.append(("latest", param, list(keys), others, sort, per_key))
        return await FakeServer(*self.rows).search_by(resource_type, param, keys)


async def test_all_are_one_search_by_patient_alone():
    server = FakeServer(row("1"))
    answer = await FhirDiagnostics(server).observations(["p1"])
    assert [found.id for found in answer.rows["p1"]] == ["1"]
    await FhirDiagnostics(server).observations(["p1", "p2"])
    assert server.asked == [
        ("Observation", "patient", ["p1"], {"_count": "1000"}),
        ("Observation", "patient", ["p1", "p2"], None),
    ]


async def test_where_patient_alone_is_not_permitted_every_known_category_is_named():
    server = FakeServer(row("1"), wants_more_than_patient=True)
    source = FhirDiagnostics(server)
    for _ in range(2):
        answer = await source.observations(["p1"])
        assert [found.id for found in answer.rows["p1"]] == ["1"]
    named = {"category": ",".join(EVERY_CATEGORY)}
    assert [others for _, _, _, others in server.asked] == [{"_count": "1000"}, named, named]
    assert f"{CATEGORY}|laboratory" in EVERY_CATEGORY
    assert any(category.endswith("us-core-category|sdoh") for category in EVERY_CATEGORY)


async def test_a_failure_of_another_kind_does_not_change_how_the_server_is_asked():
    server = FakeServer(row("1"), takes_lists=False, wants_more_than_patient=True)
    source = FhirDiagnostics(server)
    server.declines = True
    for ask in (source.observations(["p1"]), source.by_code(["p1"], ["a", "b"])):
        with pytest.raises(Rejected):
            await ask
    server.declines, server.takes_lists, server.wants_more_than_patient = False, True, False
    server.asked.clear()
    await source.observations(["p1"])
    await source.by_code(["p1"], ["a", "b"])
    assert [others for _, _, _, others in server.asked] == [{"_count": "1000"}, {"code": "a,b"}]


async def test_a_server_that_takes_no_lists_is_asked_one_by_one_from_then_on():
    server = FakeServer(row("1"), row("2"), takes_lists=False)
    source = FhirDiagnostics(server)
    answer = await source.by_code(["p1"], ["a", "b"])
    # Both searches found both rows: each is there once.
    assert [found.id for found in answer.rows["p1"]] == ["1", "2"]
    await source.by_code(["p1"], ["a", "b"])
    assert [others["code"] for _, _, _, others in server.asked] == ["a,b", "a", "b", "a", "b"]


async def test_many_codes_of_a_server_without_lists_are_everything():
    server = FakeServer(row("1"), takes_lists=False)
    source = FhirDiagnostics(server)
    await source.by_code(["p1"], ["a", "b"])
    server.asked.clear()
    answer = await source.by_code(["p1"], [str(number) for number in range(17)])
    assert [found.id for found in answer.rows["p1"]] == ["1"]
    assert [others for _, _, _, others in server.asked] == [{"_count": "1000"}]


async def test_a_single_code_that_is_rejected_is_an_error():
    server = FakeServer(takes_lists=False)
    with pytest.raises(Rejected):
        await FhirDiagnostics(server).by_code(["p1"], ["a,b"])


async def test_the_newest_are_asked_for_with_some_to_spare():
    server = FakeServer(row("1"), row("2", "p2"))
    answer = await FhirDiagnostics(server, labels=False).latest_by_code(["p1", "p2"], ["a"])
    assert {patient: len(rows) for patient, rows in answer.rows.items()} == {"p1": 1, "p2": 1}
    assert server.asked == [("latest", "patient", ["p1", "p2"], {"code": "a"}, "-date", SPARE)]


async def test_of_a_source_that_labels_older_rows_count_too():
    server = FakeServer(row("1"), row("2", "p2"))
    await FhirDiagnostics(server).latest_by_code(["p1", "p2"], ["a"])
    assert server.asked == [("Observation", "patient", ["p1", "p2"], {"code": "a"})]


async def test_one_patient_s_several_codes_are_one_search():
    server = FakeServer(row("1"))
    await FhirDiagnostics(server).latest_by_code(["p1"], ["a", "b"])
    assert server.asked == [("Observation", "patient", ["p1"], {"code": "a,b"})]


def test_a_row_of_another_patient_or_without_one_marks_the_answer():
    found = {"p1": [row("1"), row("2", "p2"), {"id": "3"}, {"id": 4}]}
    answer = translate(found, Observation)
    assert [found.id for found in answer.rows["p1"]] == ["1"]
    assert answer.damaged == {"p1"}


QUESTIONS = {
    "observations": (),
    "by_code": (["a"],),
    "latest_by_code": (["a"],),
    "reports": (),
    "media": (),
}


@pytest.mark.parametrize("question", QUESTIONS)
class TestFhirDiagnostics(SourceContract):
    @pytest.fixture(autouse=True)
    def _of_each_question(self, question):
        self.question = question

    def row(self, id_, patient):
        return row(id_, patient)

    async def ask(self, patients, held, error=None):
        source = FhirDiagnostics(FhirServerHolding(held, error))
        return await getattr(source, self.question)(patients, *QUESTIONS[self.question])
