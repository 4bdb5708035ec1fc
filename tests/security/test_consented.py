"""A consent closes every way to a record alike, and what it closes looks like what is not there.

medplum #7641: a policy held for searches and not for nested references. hapi #1507, #2012: counts
and empty last pages told of hidden rows. Here: lists, their pages and counts, ids, what is reached
from other records, and events, before and after a patient opts out; and a patient who has nothing.
"""

from __future__ import annotations

import itertools

import pytest

from contract.context import Caller
from tests.subgraphs.conftest import CLINICIAN
from tests.subgraphs.conftest import graph as graph  # noqa: PLC0414 - the fixture
from tests.subgraphs.conftest import sandbox_settings as sandbox_settings  # noqa: PLC0414

PAGE = "edges { cursor node { id } } nodes { id } pageInfo { hasNextPage endCursor }"
LISTS = (
    ("records", "Condition", "conditions"),
    ("records", "Encounter", "encounters"),
    ("records", "AllergyIntolerance", "allergies"),
    ("records", "Immunization", "immunizations"),
    ("records", "FamilyMemberHistory", "familyHistory"),
    ("diagnostics", "Observation", "observations"),
    ("diagnostics", "DiagnosticReport", "diagnosticReports"),
    ("diagnostics", "Media", "media"),
    ("medications", "MedicationRequest", "medicationRequests"),
    ("medications", "MedicationDispense", "medicationDispenses"),
    ("scheduling", "Appointment", "appointments"),
)
EMPTY = {
    "edges": [],
    "nodes": [],
    "pageInfo": {"hasNextPage": False, "endCursor": None},
}
RECORD = """mutation($input: RecordConsentInput!) {
  recordConsent(input: $input) { ... on ConsentRecorded { consent { id } } } }"""
REVOKE = """mutation($input: RevokeConsentInput!) { revokeConsent(input: $input) { __typename } }"""
_keys = itertools.count()


def herself(graph) -> Caller:
    return Caller(
        "p",
        roles=("patient",),
        scopes=("patient/*.rs", "patient/Consent.cu"),
        patient=f"ehr-a/{graph.launch}",
        purpose="PATRQT",
    )


@pytest.fixture
async def ada(graph):
    return await graph.patient("ehr-a", graph.launch)


async def direct(graph, patient, provision):
    given = {"idempotencyKey": f"k{next(_keys)}", "patient": patient["id"], "provision": provision}
    answer = await graph.ask("governance", RECORD, herself(graph), input=given)
    return answer.data["recordConsent"]["consent"]["id"]


async def revoke(graph, consent):
    given = {"idempotencyKey": f"k{next(_keys)}", "consent": consent}
    await graph.ask("governance", REVOKE, herself(graph), input=given)


async def lists(graph, patient, caller=CLINICIAN, page=PAGE):
    found = {}
    for subgraph, type_, field in LISTS:
        selection = f"... on Patient {{ {field} {{ {page} }} }}"
        answer = await graph.entities(subgraph, selection, patient, caller=caller)
        found[subgraph, type_] = answer.data[0][field]
    return found


async def by_id(graph, subgraph, type_, ids, caller=CLINICIAN):
    keys = [{"__typename": type_, "id": id_} for id_ in ids]
    answer = await graph.entities(subgraph, f"... on {type_} {{ id }}", *keys, caller=caller)
    errors = [{**error, "path": None} for error in answer.errors]
    return answer.data, errors


async def test_every_way_to_a_record_is_closed_and_looks_like_none(graph, ada):
    before = await lists(graph, ada)
    assert sum(bool(each["nodes"]) for each in before.values()) >= 7
    consent = await direct(graph, ada, {"type": "DENY"})
    # In each list, by count, page and cursor: as for somebody who has none.
    assert set(map(str, (await lists(graph, ada)).values())) == {str(EMPTY)}
    assert all(
        each == {"nodes": [], "sources": each["sources"]}
        and {s["state"] for s in each["sources"]} == {"OK"}
        for each in (await lists(graph, ada, page="nodes { id } sources { source state }")).values()
    )
    for (subgraph, type_), shown in before.items():
        ids = [node["id"] for node in shown["nodes"]][:5]
        if not ids:
            continue
        found = await by_id(graph, subgraph, type_, ids)
        # An id that never was, and one that is closed: the same bytes.
        never = await by_id(graph, subgraph, type_, ["nobody"] * len(ids))
        assert found == never
        assert found[0] == [None] * len(ids)
        own, errors = await by_id(graph, subgraph, type_, ids, herself(graph))
        assert ([each["id"] for each in own], errors) == (ids, [])
    await revoke(graph, consent)
    assert await lists(graph, ada) == before


async def test_what_is_reached_from_another_record_is_closed_too(graph, ada):
    """An observation through its report, a result through its visit, doses through an order."""
    query = """... on Patient { diagnosticReports { nodes { id results { id } } } }"""
    shown = await graph.entities("diagnostics", query, ada)
    reports = shown.data[0]["diagnosticReports"]["nodes"]
    assert any(each["results"] for each in reports)
    await direct(graph, ada, {"type": "DENY", "classes": ["Observation"]})
    closed = await graph.entities("diagnostics", query, ada)
    assert [{**each, "results": []} for each in reports] == closed.data[0]["diagnosticReports"][
        "nodes"
    ]
    query = "... on Patient { medicationRequests { nodes { id dispenses { id } } } }"
    shown = await graph.entities("medications", query, ada)
    orders = shown.data[0]["medicationRequests"]["nodes"]
    assert any(each["dispenses"] for each in orders)
    await direct(graph, ada, {"type": "DENY", "classes": ["MedicationDispense"]})
    closed = await graph.entities("medications", query, ada)
    assert [{**each, "dispenses": []} for each in orders] == closed.data[0]["medicationRequests"][
        "nodes"
    ]


async def test_one_type_closed_changes_no_other_list(graph, ada):
    before = await lists(graph, ada)
    await direct(graph, ada, {"type": "DENY", "classes": ["Immunization"]})
    after = await lists(graph, ada)
    assert after.pop(("records", "Immunization")) == EMPTY
    del before["records", "Immunization"]
    assert after == before


async def test_a_person_who_is_closed_is_nobody(graph, ada):
    """In lists and searches, by any id, and as her records' own patient."""
    query = "query($id: ID!) { patient(id: $id) { id } }"
    everyone = {each["id"] for each in await graph.patients(200)}
    assert ada["id"] in everyone
    await direct(graph, ada, {"type": "DENY", "classes": ["Patient"]})
    assert {each["id"] for each in await graph.patients(200)} == everyone - {ada["id"]}
    closed = await graph.ask("identity", query, id=ada["id"])
    never = await graph.ask("identity", query, id="nobody")
    assert (closed.data, closed.errors) == (never.data, never.errors)
    own = await graph.ask("identity", query, herself(graph), id=ada["id"])
    assert own.data["patient"] == {"id": ada["id"]}


async def test_of_many_patients_what_is_directed_is_asked_once(graph, ada):
    """However many there are: one question, and none within the second that an answer is good."""
    facts = graph.apps["records"].subgraph.facts.directed
    source, asked = facts._source, []

    class Counting:
        async def look_up(self, link_sets):
            asked.append(len(link_sets))
            return await source.look_up(link_sets)

    facts._source = Counting()
    facts.forget()
    patients = await graph.patients(40)
    asked.clear()
    facts.forget()
    query = "... on Patient { conditions { nodes { id } } allergies { nodes { id } } }"
    await graph.entities("records", query, *patients)
    assert asked == [len(patients)]
