"""The prior authorization tracker against an independent reading of what the payer holds."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from sandbox.pas.notices import notification
from tests.acceptance.test_whole_path import upstream_calls

ACTIONS = {"A1": "CERTIFIED", "A2": "PARTIAL", "A3": "DENIED", "A4": "PENDED", "A6": "MODIFIED"}
LIMITS = {"EXPEDITED": timedelta(hours=72), "STANDARD": timedelta(days=7)}


@pytest.fixture
def patient(demo):
    """The patient persona: her id in the graph, and at the payer."""
    me = demo.ask("{ me { patient { id } } }", persona="patient")["data"]["me"]["patient"]["id"]
    launch = demo.sandbox.ready["personas"]["patient"]["patient"]
    people = demo.sandbox.truth["people"]
    ids = next(person["ids"] for person in people if person["ids"].get("ehr-a") == launch)
    return me, ids


def held(demo, type_, patient):
    """Read straight from the payer."""
    headers = {"authorization": f"Bearer {demo.sandbox.system_token()}"}
    path = f"{type_}?patient={patient}&use=preauthorization&_count=100"
    url = f"{demo.sandbox.url('payer')}/{path}"
    bundle = demo.http.get(url, headers=headers).raise_for_status().json()
    assert not [link for link in bundle["link"] if link["relation"] == "next"]
    return [entry["resource"] for entry in bundle.get("entry", ())]


def extension(element, name):
    return next((e for e in element.get("extension", ()) if e["url"].endswith(name)), {})


def reviewed(item):
    review = extension(item["adjudication"][0], "-reviewAction")
    return extension(review, "-reviewActionCode")["valueCodeableConcept"]["coding"][0]["code"]


def moment(text):
    return datetime.fromisoformat(text)


def test_the_tracker_shows_every_request_with_its_decision_and_its_clock(demo, patient):
    me, ids = patient
    claims = {claim["id"]: claim for claim in held(demo, "Claim", ids["payer"])}
    answers = {
        each["request"]["reference"].partition("/")[2]: each
        for each in held(demo, "ClaimResponse", ids["payer"])
    }
    changed = {
        claim["related"][0]["claim"]["reference"].partition("/")[2]
        for claim in claims.values()
        if "related" in claim
    }
    current = {id_: claim for id_, claim in claims.items() if id_ not in changed}
    assert len(current) >= 8
    demo.sandbox.reset_calls()
    answer = demo.run("prior-authorization-tracker", id=me)
    assert "errors" not in answer
    nodes = answer["data"]["patient"]["priorAuthorizations"]["nodes"]
    assert len(nodes) == len(current)
    found = {(node["submittedAt"], service(node)): node for node in nodes}
    seen = set()
    for id_, claim in current.items():
        node = found[claim["created"], code(claim["item"][0]["productOrService"])]
        action = ACTIONS.get(reviewed(answers[id_]["item"][0]), "CANCELLED")
        assert node["items"][0]["decision"]["action"] == action
        assert node["state"] == ("WITHDRAWN" if "related" in claim else action)
        due = moment(node["submittedAt"]) + LIMITS[node["urgency"]]
        assert moment(node["dueAt"]) == due
        level = extension(claim, "levelOfServiceCode")
        assert node["urgency"] == ("EXPEDITED" if level else "STANDARD")
        now = datetime.now(due.tzinfo)
        assert node["isOverdue"] == (node["state"] == "PENDED" and now > due)
        assert len(node["documents"]) == len(claim.get("supportingInfo", ()))
        wished = answers[id_].get("communicationRequest", ())
        assert len(node["requestedInformation"]) == len(wished) == (action == "PENDED")
        seen.add(node["state"])
    assert seen == {*ACTIONS.values(), "WITHDRAWN"}
    assert {node["isOverdue"] for node in nodes if node["state"] == "PENDED"} == {True, False}
    calls = upstream_calls(demo)
    asked = ("Claim", "ClaimResponse", "Coverage", "ExplanationOfBenefit", "Organization")
    asked = (*asked, "CommunicationRequest")
    assert {key: number for key, number in calls.items() if key[0] == "payer"} == {
        ("payer", type_): 1 for type_ in asked
    }


def service(node):
    return node["items"][0]["service"]["coding"][0]["code"]


def code(concept):
    return concept["coding"][0]["code"]


def test_a_denial_says_why_and_an_order_leads_to_its_prescription(demo, patient):
    me, _ = patient
    answer = demo.run("prior-authorization-tracker", id=me, state=["DENIED", "CERTIFIED"])
    nodes = answer["data"]["patient"]["priorAuthorizations"]["nodes"]
    denied = [node for node in nodes if node["state"] == "DENIED"]
    assert denied
    assert all(node["items"][0]["decision"]["reasons"][0]["text"] for node in denied)
    orders = [node["items"][0]["order"] for node in nodes if node["items"][0]["order"]]
    (prescription,) = [each["medicationRequest"] for each in orders]
    assert prescription["status"] == "active"
    (drug,) = [service(node) for node in nodes if node["items"][0]["order"]]
    assert prescription["medication"]["rxcui"] == drug
    query = """query($id: ID!) { patient(id: $id) { medicationRequests(first: 100) { nodes {
      id priorAuthorization { id state } } } } }"""
    asked = demo.ask(query, {"id": me})
    rows = asked["data"]["patient"]["medicationRequests"]["nodes"]
    linked = {row["id"]: row["priorAuthorization"] for row in rows if row["priorAuthorization"]}
    (node,) = [node for node in nodes if node["items"][0]["order"]]
    assert linked == {prescription["id"]: {"id": node["id"], "state": node["state"]}}


def test_with_the_payer_down_the_rest_of_the_patient_is_there(demo, patient):
    me, _ = patient
    query = """query($id: ID!) { patient(id: $id) { conditions { nodes { id } }
      priorAuthorizations { nodes { id } } } }"""
    with demo.sandbox.broken("payer", outage="503"):
        answer = demo.ask(query, {"id": me})
    assert answer["data"]["patient"]["conditions"]["nodes"]
    assert answer["data"]["patient"]["priorAuthorizations"] is None
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "SOURCE_UNAVAILABLE"
    assert error["extensions"]["source"] == "payer"


def submission(demo, me, code):
    query = "query($id: ID!) { patient(id: $id) { coverages { nodes { id status } } } }"
    nodes = demo.ask(query, {"id": me})["data"]["patient"]["coverages"]["nodes"]
    coverage = next(node["id"] for node in nodes if node["status"] == "active")
    service = {"system": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": code}
    return {
        "idempotencyKey": uuid4().hex,
        "coverage": coverage,
        "items": [{"service": service, "quantity": "1"}],
        "urgency": "EXPEDITED",
    }


def test_a_request_is_asked_once_however_often_it_is_sent_and_then_withdrawn(demo, patient):
    me, ids = patient
    before = {claim["id"] for claim in held(demo, "Claim", ids["payer"])}
    given = submission(demo, me, "E1390")
    with demo.sandbox.broken("payer", dies="after"):
        demo.run("submit-prior-authorization", persona="biller", input=given)
    answers = [
        demo.run("submit-prior-authorization", persona="biller", input=given) for _ in range(2)
    ]
    assert "errors" not in answers[0]
    assert answers[0] == answers[1]
    done = answers[0]["data"]["submitPriorAuthorization"]["priorAuthorization"]
    assert (done["state"], done["urgency"]) == ("PENDED", "EXPEDITED")
    claims = {claim["id"]: claim for claim in held(demo, "Claim", ids["payer"])}
    (new,) = claims.keys() - before
    assert moment(claims[new]["created"]) == moment(done["submittedAt"])
    taken = {"priorAuthorization": done["id"], "ifMatch": done["version"]}
    taken["idempotencyKey"] = uuid4().hex
    back = demo.run("withdraw-prior-authorization", persona="biller", input=taken)
    withdrawn = back["data"]["withdrawPriorAuthorization"]["priorAuthorization"]
    assert withdrawn["state"] == "WITHDRAWN"
    tracked = demo.run("prior-authorization-tracker", id=me)["data"]["patient"]
    states = {node["id"]: node["state"] for node in tracked["priorAuthorizations"]["nodes"]}
    assert states[withdrawn["id"]] == "WITHDRAWN"
    assert done["id"] not in states
    changes = [c for c in held(demo, "Claim", ids["payer"]) if c["id"] not in claims]
    (change,) = changes
    assert change["related"][0]["claim"]["reference"] == f"Claim/{new}"
    assert code(extension(change, "certificationType")["valueCodeableConcept"]) == "3"


def test_patients_ask_no_payer(demo, patient):
    me, _ = patient
    given = submission(demo, me, "E0601")
    answer = demo.run("submit-prior-authorization", persona="patient", input=given)
    assert answer["data"] == {"submitPriorAuthorization": None}
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "SCOPE_REQUIRED"


CHANGED = """subscription($id: ID!) { priorAuthorizationChanged(patientId: $id) {
  priorAuthorization { id state } } }"""


def hear(demo, me, found):
    """The first event of the patient's, as server-sent events."""
    token = demo.sandbox.persona_token("clinician")
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    body = {"query": CHANGED, "variables": {"id": me}}
    url = f"{demo.gateway}/graphql"
    with httpx2.stream("POST", url, json=body, headers=headers, timeout=60) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                found.append(json.loads(line.removeprefix("data: ")))
                return


def test_what_the_payer_decides_later_is_told_at_once(demo, patient):
    """By its own notification, and by the same again until somebody listens."""
    me, ids = patient
    before = {claim["id"] for claim in held(demo, "Claim", ids["payer"])}
    given = submission(demo, me, "E1390")
    answer = demo.run("submit-prior-authorization", persona="biller", input=given)
    pended = answer["data"]["submitPriorAuthorization"]["priorAuthorization"]
    assert pended["state"] == "PENDED"
    found = []
    listener = threading.Thread(target=hear, args=(demo, me, found), daemon=True)
    listener.start()
    (claim,) = {each["id"] for each in held(demo, "Claim", ids["payer"])} - before
    (response,) = [
        each["id"]
        for each in held(demo, "ClaimResponse", ids["payer"])
        if each["request"]["reference"] == f"Claim/{claim}"
    ]
    control = f"{demo.sandbox.ready['control']}/authorizations/{claim}/decide"
    demo.http.post(control, json={"action": "A1"}).raise_for_status()
    token = Path(demo.sandbox.ready["notification_token_file"]).read_text().strip()
    url = f"{demo.gateway}/authorizations/payer-pas"
    told = notification(f"{demo.sandbox.url('payer')}/ClaimResponse/{response}", 1)
    assert demo.http.post(url, json=told).status_code == 401
    for _ in range(200):
        sent = demo.http.post(url, json=told, headers={"authorization": f"Bearer {token}"})
        assert sent.status_code == 200
        listener.join(0.1)
        if not listener.is_alive():
            break
    (event,) = found
    assert event["data"]["priorAuthorizationChanged"]["priorAuthorization"] == {
        "id": pended["id"],
        "state": "CERTIFIED",
    }


def test_a_document_goes_along_with_a_request(demo, patient):
    me, ids = patient
    query = """query($id: ID!) { patient(id: $id) { documents(first: 20) { nodes {
      id contents { attachment { content { size } } } } } } }"""
    answer = demo.ask(query, {"id": me})
    nodes = answer["data"]["patient"]["documents"]["nodes"]
    whole = [
        node
        for node in nodes
        if node["contents"] and all(each["attachment"]["content"] for each in node["contents"])
    ]
    given = {**submission(demo, me, "E0601"), "documents": [whole[0]["id"]]}
    before = {claim["id"] for claim in held(demo, "Claim", ids["payer"])}
    answer = demo.run("submit-prior-authorization", persona="clinician", input=given)
    assert "errors" not in answer, answer["errors"]
    done = answer["data"]["submitPriorAuthorization"]["priorAuthorization"]
    assert done["state"] == "CERTIFIED"
    (claim,) = (c for c in held(demo, "Claim", ids["payer"]) if c["id"] not in before)
    (told,) = claim["supportingInfo"]
    assert told["valueReference"]["reference"].startswith(demo.sandbox.url("ehr-a"))
    assert "/DocumentReference/" in told["valueReference"]["reference"]
    assert claim["item"][0]["informationSequence"] == [told["sequence"]]
    refused = {**given, "idempotencyKey": uuid4().hex}
    answer = demo.run("submit-prior-authorization", persona="biller", input=refused)
    assert answer["data"]["submitPriorAuthorization"]["__typename"] == "NotFound"
