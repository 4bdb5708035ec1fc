"""Messages over the sandbox's EHRs: read by thread, sent once, and whose they are."""

from __future__ import annotations

from uuid import uuid4

import msgspec
import pytest

from contract.context import Caller
from tests.subgraphs.conftest import CLINICIAN

READ = """... on Patient { messages%s { nodes {
  id thread subject body sentAt sender { type } recipients { type } provenance { source } }
  sources { source state } } }"""
SEND = """mutation($in: SendMessageInput!) { sendMessage(input: $in) { __typename
  ... on MessageSent { sent { id thread subject body sender { type } patient { id } } }
  ... on StateConflict { code } ... on Denied { code } ... on UpstreamRefused { source code }
  ... on NotFound { code } ... on InvalidInput { code } } }"""
WRITER = msgspec.structs.replace(CLINICIAN, scopes=("user/*.rs", "user/Communication.c"))


class Mailbox:
    def __init__(self, graph, sandbox, patient):
        self.graph, self.sandbox, self.patient = graph, sandbox, patient
        own = sandbox.ready["personas"]
        self.herself = Caller(
            subject="p",
            roles=("patient",),
            scopes=("patient/*.rs", "patient/Communication.c"),
            patient=f"ehr-a/{graph.launch}",
            fhir_user=f"ehr-a/Patient/{graph.launch}",
        )
        self.doctor = msgspec.structs.replace(
            WRITER, fhir_user=f"ehr-a/{own['clinician']['fhir_user']}"
        )

    async def read(self, caller=CLINICIAN, arguments=""):
        answer = await self.graph.entities(
            "telehealth", READ % arguments, self.patient, caller=caller
        )
        assert not answer.errors
        found = answer.data[0]["messages"]
        return found and found["nodes"]

    async def send(self, caller, **given):
        given = {"idempotencyKey": uuid4().hex, "patient": self.patient["id"], **given}
        answer = await self.graph.ask("telehealth", SEND, caller, **{"in": given})
        self.codes = answer.codes
        return answer.data["sendMessage"]

    def rows(self):
        headers = {"authorization": f"Bearer {self.sandbox.system_token()}"}
        found = {}
        for link in self.graph.links(self.patient):
            if link.source.startswith("ehr"):
                url = f"{self.sandbox.url(link.source)}/Communication?patient={link.id}&_count=400"
                bundle = self.sandbox.http.get(url, headers=headers).json()
                for entry in bundle.get("entry", ()):
                    found[link.source, entry["resource"]["id"]] = entry["resource"]
        return found


@pytest.fixture
async def mailbox(graph, calm_sandbox):
    return Mailbox(graph, calm_sandbox, await graph.patient("ehr-a", graph.launch))


async def test_every_message_is_there_once_by_its_thread(mailbox):
    nodes = await mailbox.read()
    rows = mailbox.rows()
    assert sorted(node["body"] for node in nodes) == sorted(
        row["payload"][0]["contentString"] for row in rows.values()
    )
    assert [n["sentAt"] for n in nodes] == sorted((n["sentAt"] for n in nodes), reverse=True)
    roots = [row for row in rows.values() if "inResponseTo" not in row]
    assert len({node["thread"] for node in nodes}) == len(roots)
    one = nodes[0]["thread"]
    thread = await mailbox.read(arguments=f'(thread: "{one}")')
    assert thread == [node for node in nodes if node["thread"] == one]
    assert len(thread) > 1


async def test_all_patients_messages_take_one_call_per_source(mailbox):
    patients = await mailbox.graph.patients(50)
    mailbox.sandbox.reset_calls()
    answer = await mailbox.graph.entities("telehealth", READ % "", *patients)
    assert not answer.errors
    for source in ("ehr-a", "ehr-b"):
        calls = mailbox.sandbox.calls()[source]["calls"]
        assert sum(n for kind in ("search", "batch") for n in calls.get(kind, {}).values()) == 1


async def test_an_answer_joins_its_thread_and_reaches_who_wrote(mailbox):
    first = next(n for n in await mailbox.read() if n["provenance"][0]["source"] == "ehr-a")
    before = mailbox.rows()
    out = await mailbox.send(mailbox.herself, body="Good, thank you.", answers=first["id"])
    assert out["__typename"] == "MessageSent", out
    message = out["sent"]
    assert (message["thread"], message["subject"]) == (first["thread"], first["subject"])
    assert message["sender"] == {"type": "Patient"}
    (new,) = [row for key, row in mailbox.rows().items() if key not in before]
    assert new["payload"] == [{"contentString": "Good, thank you."}]
    assert new["recipient"][0]["reference"].startswith("Practitioner/")
    assert new["sender"] == new["subject"]
    assert (await mailbox.read())[0]["id"] == message["id"]


async def test_a_doctor_begins_a_thread(mailbox):
    before = mailbox.rows()
    out = await mailbox.send(mailbox.doctor, body="Please call us.", subject="Your visit")
    assert out["sent"]["thread"] == out["sent"]["id"]
    ((source, _), new), *_ = [each for each in mailbox.rows().items() if each[0] not in before]
    assert source == "ehr-a"
    assert new["sender"]["reference"] == mailbox.doctor.fhir_user.removeprefix("ehr-a/")
    assert new["recipient"] == [new["subject"]]


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_it_is_sent_once_where_the_ehr_dies_at_it(mailbox, dies):
    before, key = len(mailbox.rows()), uuid4().hex
    mailbox.sandbox.set_faults("ehr-a", dies=dies)
    await mailbox.send(mailbox.doctor, body="Once.", idempotencyKey=key)
    assert mailbox.codes in ([], ["OUTCOME_UNKNOWN"])
    mailbox.sandbox.set_faults("ehr-a", dies="never")
    out = await mailbox.send(mailbox.doctor, body="Once.", idempotencyKey=key)
    assert out["__typename"] == "MessageSent"
    assert len(mailbox.rows()) == before + 1


async def test_who_may_not_does_not_write(mailbox):
    before = len(mailbox.rows())
    for changes in (
        {"roles": ("biller",)},
        {"roles": ("scheduler",)},
        {"scopes": ("user/*.rs",)},
        {"roles": (), "scopes": ("system/*.cruds",)},
    ):
        out = await mailbox.send(msgspec.structs.replace(WRITER, **changes), body="x")
        assert out == {"__typename": "Denied", "code": "FORBIDDEN"}
    for changes in ({"roles": ("partner-app",)}, {"patient": "ehr-a/x", "fhir_user": None}):
        out = await mailbox.send(msgspec.structs.replace(mailbox.herself, **changes), body="x")
        assert out == {"__typename": "Denied", "code": "FORBIDDEN"}
    assert len(mailbox.rows()) == before


async def test_text_is_bounded(mailbox):
    for given in ({"body": "x" * 4001}, {"body": "  "}, {"body": "x", "subject": "y" * 201}):
        out = await mailbox.send(mailbox.doctor, **given)
        assert out == {"__typename": "InvalidInput", "code": "BAD_USER_INPUT"}


async def test_what_another_patient_wrote_is_not_answered(mailbox):
    graph = mailbox.graph
    theirs = None
    for patient in await graph.patients(30):
        if patient["id"] != mailbox.patient["id"]:
            other = Mailbox(graph, mailbox.sandbox, patient)
            theirs = theirs or next(iter(await other.read()), None)
    out = await mailbox.send(mailbox.doctor, body="x", answers=theirs["id"])
    assert out == {"__typename": "NotFound", "code": "NOT_FOUND"}


async def test_others_read_nothing(mailbox):
    stranger = msgspec.structs.replace(mailbox.herself, patient="ehr-a/x", fhir_user=None)
    assert await mailbox.read(stranger) == []
    scheduler = msgspec.structs.replace(CLINICIAN, roles=("scheduler",))
    assert await mailbox.read(scheduler) == []
