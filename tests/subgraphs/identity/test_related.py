"""Who stands by a patient: asked of the sources, and shown to who may see the patient."""

import pytest

from contract.context import Caller
from subgraphs.connectors.fhir.capabilities import Capabilities
from subgraphs.identity.sources.related import FhirRelated
from tests.subgraphs.sources import FhirServerHolding, SourceContract

RELATED = """
    query($id: ID!) { patient(id: $id) { relatedPersons {
        nodes { id relationship { coding { code } } name { text family given } birthDate active
            telecom { system value } provenance { source } conflicts { path } }
        sources { source state }
    } } }
"""


class Server(FhirServerHolding):
    def __init__(self, held, error=None, types=("Patient", "RelatedPerson")):
        super().__init__(held, error)
        self.types = frozenset(types)

    async def capabilities(self):
        return Capabilities(types=self.types)


class TestFhirRelated(SourceContract):
    def row(self, id_, patient):
        return {"id": id_, "patient": {"reference": f"Patient/{patient}"}}

    async def ask(self, patients, held, error=None):
        return await FhirRelated(Server(held, error)).related_persons(patients)


@pytest.mark.parametrize(
    ("types", "found"),
    [
        pytest.param(("Patient",), 0, id="it has none of them, and says so"),
        pytest.param((), 1, id="it does not say what it has"),
    ],
)
async def test_a_server_is_asked_unless_it_says_that_it_has_none(types, found):
    held = {"p1": [{"id": "1", "patient": {"reference": "Patient/p1"}}]}
    answer = await FhirRelated(Server(held, types=types)).related_persons(["p1"])
    assert len(answer.rows["p1"]) == found


@pytest.fixture
def guardians(calm_sandbox):
    """What the sandbox's EHRs have, by source and patient."""
    headers = {"authorization": f"Bearer {calm_sandbox.system_token()}"}
    found = {}
    for source in ("ehr-a", "ehr-b"):
        url = f"{calm_sandbox.url(source)}/RelatedPerson"
        page = calm_sandbox.http.get(url, params={"_count": "200"}, headers=headers)
        for entry in page.raise_for_status().json()["entry"]:
            row = entry["resource"]
            found[source, row["patient"]["reference"].partition("/")[2]] = row
    calm_sandbox.reset_calls()
    return found


async def test_a_child_s_parent_is_shown_once_with_all_who_know_them(graph, guardians):
    people = [p["ids"] for p in graph.truth["people"]]
    known = [[link for link in ids.items() if link in guardians] for ids in people]
    assert any(len(links) == 2 for links in known)
    for links in known:
        if not links:
            continue
        patient = await graph.patient(*links[0])
        answer = await graph.ask("identity", RELATED, id=patient["id"])
        related = answer.data["patient"]["relatedPersons"]
        told = [guardians[link] for link in links]
        names = {(row["name"][0]["family"], row["name"][0]["given"][0]) for row in told}
        shown = {(n["name"]["family"], n["name"]["given"][0]) for n in related["nodes"]}
        assert shown == names
        sources = [p["source"] for node in related["nodes"] for p in node["provenance"]]
        assert sorted(sources) == sorted(source for source, _ in links)
        (first, *_) = related["nodes"]
        codes = {c["code"] for concept in first["relationship"] for c in concept["coding"]}
        assert "GUARD" in codes
        assert all(status["state"] == "OK" for status in related["sources"])


async def test_who_may_not_see_the_patient_finds_nobody_by_any_way(graph, guardians):
    source, id_ = next(iter(guardians))
    child = await graph.patient(source, id_)
    answer = await graph.ask("identity", RELATED, id=child["id"])
    node = {
        "__typename": "RelatedPerson",
        "id": answer.data["patient"]["relatedPersons"]["nodes"][0]["id"],
    }
    selection = "... on RelatedPerson { id name { text } }"
    (found,) = (await graph.entities("identity", selection, node)).data
    assert found["id"] == node["id"]
    stranger = Caller(
        "p", roles=("patient",), scopes=("patient/*.rs",), patient=f"ehr-a/{graph.launch}"
    )
    narrow = Caller("c", roles=("clinician",), scopes=("user/Patient.rs",))
    for caller in (stranger, narrow):
        refused = await graph.entities("identity", selection, node, caller=caller)
        assert (refused.data, refused.codes) == ([None], ["NOT_FOUND"])
    answer = await graph.ask("identity", RELATED, narrow, id=child["id"])
    assert answer.data["patient"]["relatedPersons"]["nodes"] == []


async def test_a_page_of_children_costs_each_source_one_search(graph, calm_sandbox):
    calm_sandbox.reset_calls()
    page = "{patients(first:50){nodes{id relatedPersons(first:5){nodes{id}}}}}"
    answer = await graph.ask("identity", page)
    assert not answer.errors
    calls = calm_sandbox.calls()
    asked = {name: calls[name]["total"] for name in ("ehr-a", "ehr-b")}
    assert all(1 <= count <= 4 for count in asked.values()), asked
