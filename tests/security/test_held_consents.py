"""A consent that a source holds closes every way to that source's records, as ours do, and an
answer that is missing closes what is labelled."""

from __future__ import annotations

import msgspec
import pytest

from contract.context import Caller
from subgraphs.connectors.errors import TimedOut
from subgraphs.governance.sources.consents import ConsentResource
from subgraphs.runtime.gathering import Answer
from tests.security.test_consented import EMPTY, by_id, herself, lists
from tests.subgraphs.conftest import CLINICIAN
from tests.subgraphs.conftest import graph as graph  # noqa: PLC0414 - the fixture
from tests.subgraphs.conftest import sandbox_settings as sandbox_settings  # noqa: PLC0414

EMERGENCY = Caller("e", roles=("clinician",), scopes=("user/*.rs",), purpose="ETREAT")
OFFICER = Caller(
    "o",
    roles=("privacy-officer",),
    scopes=("user/Patient.rs", "user/Consent.crus"),
    purpose="HCOMPL",
)
RECORDS = """... on Patient { %s(first: 200) { nodes { id provenance { source } } } }"""
CONSENTS = """... on Patient { consents { nodes { id status inForce recordedBy { subject }
  provenance { source method } provision { type sources classes { code } } history { version } }
  sources { source state } } }"""
BREAK = """mutation($input: BreakGlassInput!) { breakGlass(input: $input) {
  ... on GlassBroken { __typename } } }"""
REVOKE = """mutation($input: RevokeConsentInput!) { revokeConsent(input: $input) {
  ... on ConsentRecorded { __typename } ... on StateConflict { code }
  ... on NotFound { __typename } } }"""
RECORD = """mutation($input: RecordConsentInput!) { recordConsent(input: $input) { __typename } }"""


class Held:
    """What one source tells; an exception if it fails."""

    base = "https://ehr.example"

    def __init__(self):
        self.provision = None
        self.error = None
        self.asked = 0

    async def consents(self, patients):
        self.asked += 1
        if self.error:
            raise self.error
        return Answer({id_: self._rows(id_) for id_ in patients if self.provision})

    async def organizations(self, _ids):
        return {}

    def _rows(self, patient):
        scope = "http://terminology.hl7.org/CodeSystem/consentscope"
        wire = {
            "id": f"c-{patient}",
            "status": "active",
            "scope": {"coding": [{"system": scope, "code": "patient-privacy"}]},
            "patient": {"reference": f"Patient/{patient}"},
            "dateTime": "2026-11-01",
            "provision": self.provision,
        }
        return [msgspec.convert(wire, ConsentResource)]


@pytest.fixture
def said(graph):
    """The consents of ehr-a: what is said of them holds from the next question on."""
    services = graph.apps["governance"].subgraph.services
    told = Held()
    services.held._sources["ehr-a"] = told

    def say(provision=None, error=None):
        told.provision, told.error = provision, error
        services.held.forget()
        graph.apps["records"].subgraph.facts.directed.forget()

    say()
    return say


@pytest.fixture
async def ada(graph):
    return await graph.patient("ehr-a", graph.launch)


@pytest.fixture
async def only_a(graph):
    """Someone whom no other EHR knows."""
    person = next(
        p for p in graph.truth["people"] if "ehr-a" in p["ids"] and "ehr-b" not in p["ids"]
    )
    return await graph.patient("ehr-a", person["ids"]["ehr-a"])


async def test_every_way_to_a_record_is_closed_and_looks_like_none(graph, only_a, said):
    before = await lists(graph, only_a)
    assert sum(bool(each["nodes"]) for each in before.values()) >= 5
    said({"type": "deny"})
    assert set(map(str, (await lists(graph, only_a)).values())) == {str(EMPTY)}
    for (subgraph, type_), shown in before.items():
        ids = [node["id"] for node in shown["nodes"]][:3]
        if ids:
            found = await by_id(graph, subgraph, type_, ids)
            assert found == await by_id(graph, subgraph, type_, ["nobody"] * len(ids))
    said()
    assert await lists(graph, only_a) == before
    # What is reached from another record is closed too.
    query = "... on Patient { diagnosticReports { nodes { id results { id } } } }"

    async def reports():
        answer = await graph.entities("diagnostics", query, only_a)
        return answer.data[0]["diagnosticReports"]["nodes"]

    before = await reports()
    assert any(each["results"] for each in before)
    said({"type": "deny", "class": [{"code": "Observation"}]})
    assert await reports() == [{**each, "results": []} for each in before]


async def records(graph, patient, caller=CLINICIAN, field="conditions"):
    answer = await graph.entities("records", RECORDS % field, patient, caller=caller)
    nodes = answer.data[0][field]["nodes"]
    return {each["id"]: {p["source"] for p in each["provenance"]} for each in nodes}


async def test_an_unread_source_closes_what_is_labelled_and_only_that(graph, ada, said):
    """Also from whom our own consent lets see it; and it is said."""
    before = await records(graph, ada, field="encounters")
    said({"type": "deny"})
    others = {id_: told for id_, told in before.items() if told == {"ehr-b"}}
    assert await records(graph, ada, field="encounters") == others
    assert others
    said()
    given = {"type": "PERMIT", "securityLabels": ["PSY", "42CFRPart2", "HIV", "SEX"]}
    asked = {"idempotencyKey": "opens", "patient": ada["id"], "provision": given}
    ordinary = await records(graph, ada)
    await graph.ask("governance", RECORD, herself(graph), input=asked)
    opened = await records(graph, ada)
    assert ordinary.keys() < opened.keys()
    said(error=TimedOut("late"))
    shown = await records(graph, ada)
    closed = opened.keys() - shown.keys()
    assert closed
    assert {id_ for id_ in closed if "ehr-a" not in opened[id_]} == set()
    assert shown.keys() >= ordinary.keys()
    listed = await graph.entities("governance", CONSENTS, ada, caller=OFFICER)
    assert listed.data[0]["consents"]["sources"] == [{"source": "ehr-a", "state": "TIMEOUT"}]
    # Nothing of it keeps her record from herself, nor from whom an emergency lets see it.
    assert opened.keys() <= (await records(graph, ada, herself(graph))).keys()
    glass = {"idempotencyKey": "g", "patient": ada["id"], "reason": "Unconscious"}
    await graph.ask("governance", BREAK, EMERGENCY, input=glass)
    assert opened.keys() <= (await records(graph, ada, EMERGENCY)).keys()


async def test_it_is_listed_with_its_source_and_changed_nowhere_else(graph, ada, said):
    said({"type": "deny", "class": [{"code": "Observation"}]})
    listed = await graph.entities("governance", CONSENTS, ada, caller=herself(graph))
    (consent,) = listed.data[0]["consents"]["nodes"]
    id_ = consent.pop("id")
    assert consent == {
        "status": "ACTIVE",
        "inForce": True,
        "recordedBy": None,
        "provenance": [{"source": "ehr-a", "method": "FHIR_READ"}],
        "provision": {"type": "DENY", "sources": ["ehr-a"], "classes": [{"code": "Observation"}]},
        "history": [{"version": ""}],
    }
    asked = {"idempotencyKey": "r", "consent": id_}
    refused = await graph.ask("governance", REVOKE, herself(graph), input=asked)
    assert refused.data == {"revokeConsent": {"code": "HELD_BY_SOURCE"}}
    key = {"__typename": "Consent", "id": id_}
    found = await graph.entities("governance", "... on Consent { status }", key, caller=OFFICER)
    assert found.data == [{"status": "ACTIVE"}]
    # To whom it is not shown it is not there, by no way.
    for caller in (CLINICIAN, herself(graph).__class__("x", roles=("proxy",))):
        hidden = await graph.entities("governance", "... on Consent { id }", key, caller=caller)
        assert (hidden.data, hidden.codes) == ([None], ["NOT_FOUND"])
        stolen = await graph.ask("governance", REVOKE, caller, input=asked)
        missing = {"revokeConsent": {"__typename": "NotFound"}}
        assert (stolen.data, stolen.codes) == (missing, [])
    # And of many patients together it is asked once.
    patients = await graph.patients(40)
    said()
    source = graph.apps["governance"].subgraph.services.held._sources["ehr-a"]
    source.asked = 0
    query = "... on Patient { conditions { nodes { id } } allergies { nodes { id } } }"
    await graph.entities("records", query, *patients)
    await graph.entities(
        "diagnostics", "... on Patient { observations { nodes { id } } }", *patients
    )
    assert source.asked == 1
