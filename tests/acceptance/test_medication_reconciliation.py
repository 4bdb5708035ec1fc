"""Reconciliation against an independent reading of what the two EHRs hold."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.acceptance.test_whole_path import EHRS, upstream_calls
from tests.plugins.demo import OPERATIONS

PEOPLE = 5
LISINOPRIL = {"rxcui": "29046", "display": "lisinopril"}
QUERY = (OPERATIONS / "medication-reconciliation.graphql").read_text()


@pytest.fixture
def shared(demo):
    """People both EHRs know, the patient persona first: their ids by source."""
    people = [person["ids"] for person in demo.sandbox.truth["people"]]
    return [ids for ids in people if set(EHRS) <= ids.keys()][:PEOPLE]


def reconcile(demo, ids):
    """Asked by the patient herself, who is refused nothing of her own."""
    token = demo.sandbox.persona_token("patient", patient=ids["ehr-a"])
    headers = {"authorization": f"Bearer {token}"}
    me = demo.post({"query": "{ me { patient { id } } }"}, persona=None, headers=headers).json()
    body = {"query": QUERY, "variables": {"id": me["data"]["me"]["patient"]["id"]}}
    answer = demo.post(body, persona=None, headers=headers).json()
    assert "errors" not in answer
    return answer["data"]["patient"]


def held(demo, source, type_, patient):
    """Read straight from the EHR, with the drugs it keeps."""
    headers = {"authorization": f"Bearer {demo.sandbox.system_token()}"}
    base = demo.sandbox.url(source)
    found = []
    for path in (f"{type_}?patient={patient}&_count=500", "Medication?_count=500"):
        bundle = demo.http.get(f"{base}/{path}", headers=headers).raise_for_status().json()
        assert not [link for link in bundle["link"] if link["relation"] == "next"]
        found.append([entry["resource"] for entry in bundle.get("entry", ())])
    rows, listed = found
    drugs = {f"Medication/{each['id']}": each["code"] for each in listed}
    return [(row, rxcui(row, drugs)) for row in rows]


def rxcui(row, drugs):
    if "medicationCodeableConcept" in row:
        concept = row["medicationCodeableConcept"]
    else:
        contained = {f"#{each['id']}": each["code"] for each in row.get("contained", ())}
        concept = (drugs | contained)[row["medicationReference"]["reference"]]
    (coding,) = concept["coding"]
    return coding["code"]


def prescribed(demo, ids):
    """By drug and moment: what each source says of it, and when what it gave out on it was."""
    given = defaultdict(set)
    for source in EHRS:
        for row, _ in held(demo, source, "MedicationDispense", ids[source]):
            (authorizing,) = row["authorizingPrescription"]
            given[source, authorizing["reference"]].add(row["whenHandedOver"])
    expected = defaultdict(dict)
    dispensed = defaultdict(set)
    for source in EHRS:
        for row, code in held(demo, source, "MedicationRequest", ids[source]):
            (how,) = row["dosageInstruction"]
            expected[code, row["authoredOn"]][source] = (row["status"], how["text"])
            dispensed[code, row["authoredOn"]] |= given[source, f"MedicationRequest/{row['id']}"]
    return expected, dispensed


def test_every_prescription_is_there_once_with_all_that_its_sources_say(demo, shared):
    disputed = []
    for ids in shared:
        expected, dispensed = prescribed(demo, ids)
        nodes = reconcile(demo, ids)["medicationRequests"]["nodes"]
        found = {(node["medication"]["rxcui"], node["authoredOn"]): node for node in nodes}
        assert len(found) == len(nodes)
        assert found.keys() == expected.keys()
        for key, said in expected.items():
            node = found[key]
            assert [each["source"] for each in node["provenance"]] == sorted(said)
            texts = {source: text for source, (_, text) in said.items()}
            assert node["dosageInstructions"][0]["text"] in texts.values()
            assert {status for status, _ in said.values()} == {node["status"]}
            conflicts = {
                each["path"]: {value["source"]: value["value"] for value in each["values"]}
                for each in node["conflicts"]
            }
            is_disputed = len(set(texts.values())) > 1
            assert conflicts == ({"dosageInstructions": texts} if is_disputed else {})
            if is_disputed:
                disputed.append(node["medication"]["ingredient"])
            assert {each["whenHandedOver"] for each in node["dispenses"]} == dispensed[key]
    assert LISINOPRIL in disputed


def test_every_dispense_is_there_once(demo, shared):
    compared = 0
    for ids in shared:
        expected = {
            (code, row["whenHandedOver"], source)
            for source in EHRS
            for row, code in held(demo, source, "MedicationDispense", ids[source])
        }
        nodes = reconcile(demo, ids)["medicationDispenses"]["nodes"]
        assert {
            (node["medication"]["rxcui"], node["whenHandedOver"], each["source"])
            for node in nodes
            for each in node["provenance"]
        } == expected
        compared += len(expected)
    assert compared > PEOPLE


def test_it_takes_one_call_per_ehr_and_type(demo, shared):
    reconcile(demo, shared[0])
    demo.sandbox.reset_calls()
    reconcile(demo, shared[0])
    types = ("MedicationRequest", "MedicationDispense")
    assert upstream_calls(demo) == {(ehr, type_): 1 for ehr in EHRS for type_ in types}


def test_what_is_sensitive_is_kept_from_others(demo, shared):
    """Sertraline by the label of who prescribed it."""
    own = reconcile(demo, shared[0])
    seen = demo.run("medication-reconciliation", id=own["id"])["data"]["patient"]
    for kind in ("medicationRequests", "medicationDispenses"):
        mine = {node["id"]: node["medication"]["rxcui"] for node in own[kind]["nodes"]}
        theirs = {node["id"]: node["medication"]["rxcui"] for node in seen[kind]["nodes"]}
        assert theirs.items() < mine.items()
        assert set(mine.values()) - set(theirs.values()) == {"312941"}
