"""Consents over the sandbox: recorded, followed by every subgraph, revoked, and by whom."""

from __future__ import annotations

import itertools

import pytest

from contract.context import Caller
from contract.keys import derive_key
from subgraphs.runtime.sealing import IdSeal, RecordRef
from subgraphs.runtime.sensitivity import SENSITIVE
from tests.subgraphs.conftest import CLINICIAN, MASTER

CARE = "https://care.example"
INSIDE = Caller("c2", roles=("clinician",), scopes=("user/*.rs",), organization=CARE)
OFFICER = Caller(
    "o",
    roles=("privacy-officer",),
    scopes=("user/Patient.rs", "user/Consent.crus"),
    purpose="HCOMPL",
)
RECORD = """mutation($input: RecordConsentInput!) { recordConsent(input: $input) { __typename
  ... on ConsentRecorded { consent { id version status inForce
    provision { type actors { kind value } securityLabels { system code } exceptions { type } }
    recordedBy { subject roles } } }
  ... on StateConflict { code } ... on Denied { code message }
  ... on NotFound { code } ... on InvalidInput { code } } }"""
REVOKE = """mutation($input: RevokeConsentInput!) { revokeConsent(input: $input) { __typename
  ... on ConsentRecorded { consent { id version status inForce
    history { version status provision { type } recordedBy { subject } } } }
  ... on StateConflict { code } ... on Denied { code }
  ... on NotFound { code } ... on InvalidInput { code } } }"""
LIST = "... on Patient { consents { nodes { id version status } pageInfo { hasNextPage } } }"
CONDITIONS = "... on Patient { conditions { nodes { id securityLabels { code } } } }"
TO_CARE = {
    "type": "PERMIT",
    "actors": [{"kind": "ORGANIZATION", "value": CARE}],
    "purposes": ["TREAT"],
    "securityLabels": ["PSY"],
}
_keys = itertools.count()


def herself(graph, **more) -> Caller:
    launch = f"ehr-a/{graph.launch}"
    scopes = ("patient/*.rs", "patient/Consent.cu")
    given = {"roles": ("patient",), "scopes": scopes, "patient": launch, "purpose": "PATRQT"}
    return Caller("p", **(given | more))


@pytest.fixture
async def ada(graph):
    """The patient persona: some of what she has is labelled PSY."""
    return await graph.patient("ehr-a", graph.launch)


async def record(graph, patient, provision, caller=None, **more):
    given = {"idempotencyKey": f"k{next(_keys)}", "patient": patient["id"], "provision": provision}
    answer = await graph.ask(
        "governance", RECORD, caller or herself(graph), input={**given, **more}
    )
    return answer.data["recordConsent"] or answer


async def revoke(graph, consent, caller=None, **more):
    given = {"idempotencyKey": f"k{next(_keys)}", "consent": consent}
    answer = await graph.ask(
        "governance", REVOKE, caller or herself(graph), input={**given, **more}
    )
    return answer.data["revokeConsent"]


async def conditions(graph, patient, caller):
    answer = await graph.entities("records", CONDITIONS, patient, caller=caller)
    (found,) = answer.data
    return {node["id"] for node in found["conditions"]["nodes"]}, answer


async def test_what_a_label_closes_is_opened_for_whom_a_consent_names(graph, ada):
    own, answer = await conditions(graph, ada, herself(graph))
    named = {
        node["id"]
        for node in answer.data[0]["conditions"]["nodes"]
        if {each["code"] for each in node["securityLabels"]} & SENSITIVE in (set(), {"R", "PSY"})
    }
    closed, _ = await conditions(graph, ada, INSIDE)
    assert closed < named <= own
    recorded = await record(graph, ada, TO_CARE)
    assert recorded["__typename"] == "ConsentRecorded"
    consent = recorded["consent"]
    assert (consent["version"], consent["status"], consent["inForce"]) == ("1", "ACTIVE", True)
    assert consent["recordedBy"] == {"subject": "p", "roles": ["patient"]}
    assert (await conditions(graph, ada, INSIDE))[0] == named
    assert (await conditions(graph, ada, CLINICIAN))[0] == closed
    revoked = await revoke(graph, consent["id"], ifMatch="1")
    assert [(each["version"], each["status"]) for each in revoked["consent"]["history"]] == [
        ("2", "INACTIVE"),
        ("1", "ACTIVE"),
    ]
    shown, answer = await conditions(graph, ada, INSIDE)
    assert shown == closed
    assert {each.reason for each in answer.report.refusals} == {"label"}


async def test_an_opt_out_closes_ordinary_records_and_spares_herself(graph, ada):
    before, _ = await conditions(graph, ada, CLINICIAN)
    assert before
    deny = {"type": "DENY", "actors": [{"kind": "ROLE", "value": "clinician"}]}
    consent = (await record(graph, ada, deny))["consent"]
    shown, answer = await conditions(graph, ada, CLINICIAN)
    assert shown == set()
    # As for somebody who has none: the sources are all well.
    sources = "... on Patient { conditions { sources { source state } } }"
    listed = await graph.entities("records", sources, ada)
    assert {each["state"] for each in listed.data[0]["conditions"]["sources"]} == {"OK"}
    assert {each.reason for each in answer.report.refusals} == {"consent"}
    assert (await conditions(graph, ada, herself(graph)))[0] > before
    await revoke(graph, consent["id"])
    assert (await conditions(graph, ada, CLINICIAN))[0] == before


async def test_every_record_that_is_a_source_s_is_closed_with_that_source(graph, ada):
    await record(graph, ada, {"type": "DENY", "sources": ["ehr-b"]})
    query = "... on Patient { encounters { nodes { id provenance { source } } } }"

    async def shown(caller):
        answer = await graph.entities("records", query, ada, caller=caller)
        nodes = answer.data[0]["encounters"]["nodes"]
        return {node["id"]: {each["source"] for each in node["provenance"]} for node in nodes}

    own, others = await shown(herself(graph)), await shown(CLINICIAN)
    assert {"ehr-a", "ehr-b"} == set().union(*own.values())
    assert set().union(*others.values()) == {"ehr-a"}


async def test_any_id_of_hers_names_whom_it_is_about(graph, ada):
    """Said under one source's id, followed under each: a merge changes nothing of it."""
    payer = {"id": _sealed(graph, "payer", ada)}
    await record(graph, payer, {"type": "DENY", "classes": ["Condition"]})
    assert (await conditions(graph, ada, CLINICIAN))[0] == set()
    listed = await graph.entities("governance", LIST, ada, caller=herself(graph))
    assert len(listed.data[0]["consents"]["nodes"]) == 1


def _sealed(graph, source, patient):
    (id_,) = [link.id for link in graph.links(patient) if link.source == source]
    seal = IdSeal(derive_key(MASTER, "seal:ids"))
    return seal.seal("identity", RecordRef(source, "Patient", id_, id_))


PROXY = {"roles": ("proxy",), "fhir_user": "ehr-a/RelatedPerson/eve", "purpose": "FAMRQT"}
WHO = {
    "herself": ({}, None),
    "without the scope": ({"scopes": ("patient/*.rs",)}, "FORBIDDEN"),
    "an app": ({"roles": ("partner-app",)}, "FORBIDDEN"),
    "another patient": ({"fhir_user": "ehr-a/Patient/other"}, "FORBIDDEN"),
    "a proxy, who opens nothing": (PROXY, "FORBIDDEN"),
    "a clinician": ({"roles": ("clinician",)}, "FORBIDDEN"),
}


async def test_who_may_open(graph, ada):
    for who, (changes, denied) in WHO.items():
        done = await record(graph, ada, TO_CARE, herself(graph, **changes))
        assert done.get("code") == denied, who


async def test_a_proxy_closes_and_a_clerk_writes_down(graph, ada):
    deny = {"type": "DENY", "classes": ["Observation"]}
    closed = await record(graph, ada, deny, herself(graph, **PROXY))
    assert closed["__typename"] == "ConsentRecorded"
    assert (await revoke(graph, closed["consent"]["id"], herself(graph, **PROXY)))["code"]
    written = await record(graph, ada, TO_CARE, OFFICER)
    assert written["consent"]["recordedBy"]["subject"] == "o"
    clinician = Caller("c", roles=("clinician",), scopes=("user/*.cruds",))
    assert (await record(graph, ada, TO_CARE, clinician))["code"] == "FORBIDDEN"


async def test_another_patient_s_consent_is_not_there(graph, ada):
    consent = (await record(graph, ada, TO_CARE))["consent"]["id"]
    other = next(p for p in graph.truth["people"] if graph.launch not in p["ids"].values())
    launch = f"ehr-a/{other['ids']['ehr-a']}"
    stranger = herself(graph, patient=launch)
    for caller in (stranger, CLINICIAN):
        answer = await graph.entities(
            "governance",
            "... on Consent { id status history { version } }",
            {"__typename": "Consent", "id": consent},
            caller=caller,
        )
        assert (answer.data, answer.codes) == ([None], ["NOT_FOUND"])
        query = "... on Patient { consents { nodes { id } edges { cursor } } }"
        listed = await graph.entities("governance", query, ada, caller=caller)
        assert listed.data == [{"consents": {"nodes": [], "edges": []}}]
    given = {"idempotencyKey": "stolen", "consent": consent}
    stolen = await graph.ask("governance", REVOKE, stranger, input=given)
    assert stolen.data == {"revokeConsent": {"__typename": "NotFound", "code": "NOT_FOUND"}}


async def test_done_once_for_each_key_and_never_over_a_newer_version(graph, ada):
    given = {"idempotencyKey": "once", "patient": ada["id"], "provision": TO_CARE}
    one, other = [
        (await graph.ask("governance", RECORD, herself(graph), input=given)).data for _ in range(2)
    ]
    assert one == other
    changed = {**given, "provision": {"type": "DENY"}}
    reused = await graph.ask("governance", RECORD, herself(graph), input=changed)
    assert reused.data["recordConsent"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    consent = one["recordConsent"]["consent"]["id"]
    replaced = await record(graph, ada, {"type": "DENY"}, consent=consent, ifMatch="1")
    assert replaced["consent"]["version"] == "2"
    assert (await record(graph, ada, TO_CARE, consent=consent, ifMatch="1"))["code"] == "STALE"
    assert (await revoke(graph, consent, ifMatch="1"))["code"] == "STALE"


DEEP = {"type": "DENY", "exceptions": [{"type": "PERMIT", "exceptions": [{"type": "DENY"}]}]}
DEEPER = {"type": "PERMIT", "exceptions": [{"type": "DENY", "exceptions": [DEEP]}]}


MEANINGLESS = [
    {"sources": ["ehr-z"]},
    {"purposes": ["TREATMENT"]},
    {"securityLabels": ["SUDS"]},
    {"classes": ["Conditions"]},
    {"classes": ["../Condition"]},
    {"actors": [{"kind": "ROLE", "value": "wizard"}]},
    {"actors": [{"kind": "PRACTITIONER", "value": "dr"}]},
    {"actors": [{"kind": "UNKNOWN", "value": ""}]},
    {"actors": [{"kind": "ORGANIZATION", "value": " "}]},
    {"codes": [{"code": ""}]},
    {"period": {"start": "2026-12-01", "end": "2026-11"}},
    {"exceptions": [DEEPER]},
    {"exceptions": [{"type": "PERMIT"}] * 60},
]


async def test_what_means_nothing_is_refused(graph, ada):
    """A deny with a slip of the pen would close nothing, and nobody would know."""
    for bad in MEANINGLESS:
        answer = await record(graph, ada, {"type": "DENY", **bad})
        assert answer["code"] == "BAD_USER_INPUT", bad
    assert await _count(graph, ada) == 0


async def _count(graph, patient):
    listed = await graph.entities("governance", LIST, patient, caller=herself(graph))
    return len(listed.data[0]["consents"]["nodes"])


async def test_a_page_of_consents(graph, ada):
    for _ in range(3):
        await record(graph, ada, TO_CARE)
    query = """... on Patient { consents(first: 2) {
      nodes { id } pageInfo { hasNextPage endCursor } } }"""
    answer = await graph.entities("governance", query, ada, caller=OFFICER)
    page = answer.data[0]["consents"]
    assert (len(page["nodes"]), page["pageInfo"]["hasNextPage"]) == (2, True)
    rest = query.replace("first: 2", f'after: "{page["pageInfo"]["endCursor"]}"')
    answer = await graph.entities("governance", rest, ada, caller=OFFICER)
    assert len(answer.data[0]["consents"]["nodes"]) == 1
    assert answer.report.patients == (ada["id"],)


async def test_data_sources(graph):
    query = "{ dataSources { id title kind serves state asOf } }"
    answer = await graph.ask("governance", query, OFFICER)
    sources = {each["id"]: each for each in answer.data["dataSources"]}
    assert list(sources) == sorted(sources)
    assert sources.keys() >= {"ehr-a", "ehr-b", "payer", "payer-x12"}
    assert sources["payer-x12"]["kind"] == "x12-270"
    assert {each["state"] for each in sources.values()} == {"OK"}
    refused = await graph.ask("governance", query)
    assert (refused.data, refused.codes) == ({"dataSources": None}, ["FORBIDDEN"])
