"""Refills over the sandbox's EHRs: asked for once, seen with the prescription, and by whom."""

from __future__ import annotations

from uuid import uuid4

import msgspec
import pytest

from contract.context import Caller
from tests.subgraphs.conftest import CLINICIAN

LIST = """... on Patient { medicationRequests { nodes { id status provenance { source }
  refillRequests { id status requestedAt notes requester { type } owner { type } } } } }"""
ASK = """mutation($in: RequestRefillInput!) { requestRefill(input: $in) { __typename
  ... on RefillRequested { request { id status notes } }
  ... on StateConflict { code } ... on Denied { code } ... on UpstreamRefused { source code }
  ... on NotFound { code } ... on InvalidInput { code argument } } }"""
PHARMACIST = Caller(subject="ph", roles=("pharmacist",), scopes=("user/*.rs", "user/Task.c"))


class Cabinet:
    def __init__(self, graph, sandbox, patient):
        self.graph, self.sandbox, self.patient = graph, sandbox, patient
        self.herself = Caller(
            subject="p",
            roles=("patient",),
            scopes=("patient/*.rs", "patient/Task.c"),
            patient=f"ehr-a/{graph.launch}",
            fhir_user=f"ehr-a/Patient/{graph.launch}",
        )

    async def prescriptions(self, caller=CLINICIAN):
        answer = await self.graph.entities("medications", LIST, self.patient, caller=caller)
        assert not answer.errors
        return answer.data[0]["medicationRequests"]["nodes"]

    async def ask(self, caller, prescription, **given):
        given = {"idempotencyKey": uuid4().hex, "medicationRequest": prescription, **given}
        answer = await self.graph.ask("medications", ASK, caller, **{"in": given})
        self.codes = answer.codes
        return answer.data["requestRefill"]

    def tasks(self):
        headers = {"authorization": f"Bearer {self.sandbox.system_token()}"}
        found = []
        for link in self.graph.links(self.patient):
            if link.source.startswith("ehr"):
                url = f"{self.sandbox.url(link.source)}/Task?patient={link.id}&_count=400"
                bundle = self.sandbox.http.get(url, headers=headers).json()
                found += [entry["resource"] for entry in bundle.get("entry", ())]
        return found


@pytest.fixture
async def cabinet(graph, calm_sandbox):
    return Cabinet(graph, calm_sandbox, await graph.patient("ehr-a", graph.launch))


async def active(cabinet):
    return next(n for n in await cabinet.prescriptions() if n["status"] == "active")


async def test_the_patient_asks_and_her_pharmacist_sees_it(cabinet):
    prescription, before = await active(cabinet), {task["id"] for task in cabinet.tasks()}
    out = await cabinet.ask(cabinet.herself, prescription["id"], note="Two days left")
    assert out["__typename"] == "RefillRequested", out
    assert (out["request"]["status"], out["request"]["notes"]) == ("requested", ["Two days left"])
    (task,) = [each for each in cabinet.tasks() if each["id"] not in before]
    assert task["focus"]["reference"].startswith("MedicationRequest/")
    assert task["requester"] == task["for"]
    assert task["intent"] == "order"
    nodes = await cabinet.prescriptions(PHARMACIST)
    (seen,) = [node for node in nodes if node["id"] == prescription["id"]]
    assert seen["refillRequests"][0]["id"] == out["request"]["id"]
    assert all(not n["refillRequests"] for n in nodes if n["status"] != "active")


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_it_is_asked_for_once_where_the_ehr_dies_at_it(cabinet, dies):
    prescription, before, key = await active(cabinet), len(cabinet.tasks()), uuid4().hex
    for source in ("ehr-a", "ehr-b"):
        cabinet.sandbox.set_faults(source, dies=dies)
    await cabinet.ask(PHARMACIST, prescription["id"], idempotencyKey=key)
    assert cabinet.codes in ([], ["OUTCOME_UNKNOWN"])
    for source in ("ehr-a", "ehr-b"):
        cabinet.sandbox.set_faults(source, dies="never")
    out = await cabinet.ask(PHARMACIST, prescription["id"], idempotencyKey=key)
    assert out["__typename"] == "RefillRequested"
    assert len(cabinet.tasks()) == before + 1


async def test_what_is_no_longer_taken_is_not_refilled(cabinet):
    graph = cabinet.graph
    for patient in await graph.patients(60):
        other = Cabinet(graph, cabinet.sandbox, patient)
        for node in await other.prescriptions():
            if node["status"] != "active":
                out = await other.ask(PHARMACIST, node["id"])
                assert out == {"__typename": "StateConflict", "code": "NOT_ACTIVE"}
                return
    pytest.fail("everything is still taken")


async def test_who_may_not_does_not_ask(cabinet):
    prescription, before = await active(cabinet), len(cabinet.tasks())
    for changes in ({"roles": ("biller",)}, {"scopes": ("user/*.rs",)}):
        caller = msgspec.structs.replace(PHARMACIST, **changes)
        out = await cabinet.ask(caller, prescription["id"])
        assert out is None or out["__typename"] in ("Denied", "NotFound")
    stranger = msgspec.structs.replace(cabinet.herself, patient="ehr-a/x", fhir_user=None)
    out = await cabinet.ask(stranger, prescription["id"])
    assert out == {"__typename": "NotFound", "code": "NOT_FOUND"}
    out = await cabinet.ask(PHARMACIST, prescription["id"], note="x" * 501)
    assert out == {"__typename": "InvalidInput", "code": "BAD_USER_INPUT", "argument": "note"}
    assert len(cabinet.tasks()) == before
