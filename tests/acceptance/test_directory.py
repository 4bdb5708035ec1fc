"""Care teams, doctors and whom records name, against an independent reading of the directories."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.acceptance.test_whole_path import EHRS, upstream_calls
from tests.plugins.demo import OPERATIONS

SOURCES = (*EHRS, "payer")
NPI = "http://hl7.org/fhir/sid/us-npi"
PEOPLE = 4
CARE_TEAM = (OPERATIONS / "care-team.graphql").read_text()
NAMED = """
query Named($id: ID!) {
  patient(id: $id) {
    encounters(first: 100) {
      nodes {
        provenance { source }
        participants { individual { practitioner { id npi name { family } } } }
        serviceProvider { organization { id npi name } }
        locations { location { id name } }
      }
    }
    appointments(first: 100) {
      nodes { participants { kind practitioner { id npi } location { id name } } }
    }
    explanationsOfBenefit(first: 100) {
      nodes { providerName provider { type organization { id npi name } } }
    }
    observations(first: 100) { nodes { performers { type organization { id npi } } } }
    medicationRequests(first: 100) { nodes { requester { type practitioner { id npi } } } }
  }
}"""


@pytest.fixture(scope="module")
def held(demo_process):
    """What each source lists, by source and `Type/id`."""
    sandbox = demo_process.sandbox
    headers = {"authorization": f"Bearer {sandbox.system_token()}"}
    found = {}
    for source in SOURCES:
        rows = {}
        for type_ in ("Practitioner", "PractitionerRole", "Organization", "Location"):
            url = f"{sandbox.url(source)}/{type_}?_count=100"
            bundle = demo_process.http.get(url, headers=headers).raise_for_status().json()
            rows |= {f"{type_}/{e['resource']['id']}": e["resource"] for e in bundle["entry"]}
        found[source] = rows
    return found


@pytest.fixture
def shared(demo):
    people = [person["ids"] for person in demo.sandbox.truth["people"]]
    return [ids for ids in people if set(EHRS) <= ids.keys()][:PEOPLE]


def by_patient(demo, source, type_, ids):
    headers = {"authorization": f"Bearer {demo.sandbox.system_token()}"}
    url = f"{demo.sandbox.url(source)}/{type_}?patient={ids[source]}&_count=400"
    bundle = demo.http.get(url, headers=headers).raise_for_status().json()
    return [entry["resource"] for entry in bundle.get("entry", ())]


def ask_herself(demo, ids, query, **variables):
    token = demo.sandbox.persona_token("patient", patient=ids["ehr-a"])
    headers = {"authorization": f"Bearer {token}"}
    me = demo.post({"query": "{ me { patient { id } } }"}, persona=None, headers=headers).json()
    variables["id"] = me["data"]["me"]["patient"]["id"]
    body = {"query": query, "variables": variables}
    answer = demo.post(body, persona=None, headers=headers).json()
    assert "errors" not in answer
    return answer["data"]["patient"]


def number(resource):
    return next((i["value"] for i in resource.get("identifier", ()) if i["system"] == NPI), None)


def whose(held, source, reference):
    """The practitioner a reference means, perhaps by a role."""
    resource = held[source][reference]
    if resource["resourceType"] == "PractitionerRole":
        return held[source][resource["practitioner"]["reference"]]
    return resource


def test_every_team_of_a_patient_with_whoever_is_on_it(demo, held, shared):
    for ids in shared:
        expected = defaultdict(set)
        for source in EHRS:
            for team in by_patient(demo, source, "CareTeam", ids):
                if team["status"] != "active":
                    continue
                for each in team["participant"]:
                    named = each["member"]["reference"]
                    if not named.startswith("Patient/"):
                        doctor = whose(held, source, named)
                        expected[source, team["name"]].add(number(doctor))
        found = ask_herself(demo, ids, CARE_TEAM, first=50)
        told = {
            (team["provenance"][0]["source"], team["name"]): {
                m["practitioner"]["npi"] for m in team["members"] if m["type"] != "Patient"
            }
            for team in found["careTeams"]["nodes"]
        }
        assert told == expected
        for team in found["careTeams"]["nodes"]:
            for member in team["members"]:
                if member["type"] != "Patient":
                    assert any(role["telecom"] for role in member["practitioner"]["roles"])
        assert found["primaryCareProvider"]["practitioner"]["npi"] in set().union(*told.values())


def test_doctors_of_a_specialty_each_once_with_every_place(demo, held):
    code = "207RC0000X"
    expected = defaultdict(set)
    for source in SOURCES:
        for role in list(held[source].values()):
            if role["resourceType"] == "PractitionerRole":
                codes = {c["code"] for s in role["specialty"] for c in s["coding"]}
                doctor = held[source][role["practitioner"]["reference"]]
                if code in codes:
                    expected[number(doctor)].add(source)
    answer = demo.run("find-a-doctor", specialty=code)
    assert "errors" not in answer
    nodes = answer["data"]["practitioners"]["nodes"]
    right = {npi: sources for npi, sources in expected.items() if npi != _slipped(expected)}
    assert {
        node["npi"]: {each["source"] for each in node["provenance"]}
        for node in nodes
        if node["npi"]
    } == right
    # The number with a slip of the pen is nobody's.
    assert [node["npi"] for node in nodes].count(None) == 1
    assert len(nodes) == len(expected)
    for node in nodes:
        for role in node["roles"]:
            (place,) = role["locations"]
            assert place["address"]["city"]
            payer = role["provenance"] == [{"source": "payer"}]
            assert (role["acceptingPatients"] is not None) is payer


def _slipped(numbers):
    """The one whose check digit is wrong."""

    def fails(npi):
        digits = [int(digit) for digit in reversed("80840" + npi)]
        return sum(d if n % 2 == 0 else sum(divmod(2 * d, 10)) for n, d in enumerate(digits)) % 10

    (wrong,) = filter(fails, numbers)
    return wrong


def test_whoever_a_record_names_is_a_node(demo, held, shared):
    for ids in shared:
        found = ask_herself(demo, ids, NAMED)
        expected = {
            (
                source,
                number(held[source][each["participant"][0]["individual"]["reference"]]),
                number(held[source][each["serviceProvider"]["reference"]]),
                len(each.get("location", ())),
            )
            for source in EHRS
            for each in by_patient(demo, source, "Encounter", ids)
        }
        told = {
            (
                node["provenance"][0]["source"],
                node["participants"][0]["individual"]["practitioner"]["npi"],
                node["serviceProvider"]["organization"]["npi"],
                len([at for at in node["locations"] if at["location"]["id"]]),
            )
            for node in found["encounters"]["nodes"]
        }
        assert told == expected
        for appointment in found["appointments"]["nodes"]:
            for each in appointment["participants"]:
                assert (each["practitioner"] is not None) is (each["kind"] == "Practitioner")
                assert (each["location"] is not None) is (each["kind"] == "Location")
        for explanation in found["explanationsOfBenefit"]["nodes"]:
            house = explanation["provider"]["organization"]
            assert house["name"] == explanation["providerName"]
            assert house["npi"] in {npi for _, _, npi, _ in expected}
        for each in found["medicationRequests"]["nodes"]:
            assert each["requester"]["practitioner"]["npi"]
        performers = [p for o in found["observations"]["nodes"] for p in o["performers"]]
        assert performers
        assert all(p["organization"]["npi"] for p in performers)


def test_all_that_are_named_take_two_calls_of_each_source_and_type(demo, shared):
    # Of one whose appointments name practitioners in person, as the sandbox's own do.
    in_person = shared[-1]
    for ids in shared[-2:]:
        ask_herself(demo, ids, NAMED)
    demo.sandbox.reset_calls()
    ask_herself(demo, in_person, NAMED)
    calls = upstream_calls(demo)
    listed = ("Practitioner", "Organization", "Location")
    assert {key for key in calls if key[1] in listed} >= {
        (source, type_) for source in EHRS for type_ in listed
    }
    # By id, and those with a number by it in every source. The payer's own name of an organization
    # is asked for by the coverage subgraph.
    assert {key: n for key, n in calls.items() if key[1] in listed and n > 2} == {
        ("payer", "Organization"): 3
    }
    demo.sandbox.reset_calls()
    ask_herself(demo, in_person, CARE_TEAM)
    again = upstream_calls(demo)
    assert again["ehr-a", "CareTeam"] == again["ehr-b", "CareTeam"] == 1
    # Those named in person, those named by a role, and the general practitioner.
    assert max(again.values()) <= 6


def test_a_partner_sees_nobody_who_treats(demo):
    answer = demo.run("find-a-doctor", persona="partner", search="eastwick")
    assert answer["data"]["practitioners"] is None
    assert answer["errors"][0]["extensions"]["code"] == "SCOPE_REQUIRED"
