"""Care teams over the sandbox's two EHRs, and who is responsible for a patient's care."""

import httpx2
import pytest

from contract.context import Caller

EHRS = ("ehr-a", "ehr-b")

TEAMS = """... on Patient { id
  careTeams { nodes { id name status category { text } patient { id } provenance { source }
                      securityLabels { code } managingOrganizations { type organization { name } }
                      members { type display role { text } practitioner { id npi name { family } }
                                organization { id } onBehalfOf { name } } }
              sources { source state } } }"""
PRIMARY = "... on Patient { primaryCareProvider { type practitioner { id name { family } } } }"


@pytest.fixture
def held(calm_sandbox):
    """Every care team and patient as the EHRs have them: by source, type and id."""
    headers = {"authorization": f"Bearer {calm_sandbox.system_token()}"}
    found = {}
    with httpx2.Client(trust_env=False, headers=headers) as http:
        for source in EHRS:
            for type_ in ("CareTeam", "Patient", "Practitioner"):
                url = f"{calm_sandbox.url(source)}/{type_}?_count=400"
                bundle = http.get(url).raise_for_status().json()
                rows = [entry["resource"] for entry in bundle["entry"]]
                found[source, type_] = {row["id"]: row for row in rows}
    return found


def own_teams(held, links):
    """The names and beginnings of a person's active teams, and of those without a label."""
    active = [
        (source, team)
        for source, id_ in links
        if source in EHRS
        for team in held[source, "CareTeam"].values()
        if team["subject"]["reference"] == f"Patient/{id_}" and team["status"] == "active"
    ]
    return active, [(source, team) for source, team in active if "security" not in team["meta"]]


async def test_everyone_s_teams_are_there_with_their_members(graph, calm_sandbox, held):
    patients = await graph.patients(30)
    calm_sandbox.reset_calls()
    answer = await graph.entities("directory", TEAMS, *patients)
    assert not answer.errors
    labelled = 0
    for patient, found in zip(patients, answer.data, strict=True):
        active, open_ = own_teams(held, graph.links(patient))
        labelled += len(active) - len(open_)
        told = [
            (team["provenance"][0]["source"], team["name"]) for team in found["careTeams"]["nodes"]
        ]
        assert sorted(told) == sorted((source, team["name"]) for source, team in open_)
        for team in found["careTeams"]["nodes"]:
            assert team["patient"]["id"] == patient["id"]
            assert team["managingOrganizations"][0]["organization"]["name"]
            (herself,) = [m for m in team["members"] if m["type"] == "Patient"]
            others = [m for m in team["members"] if m is not herself]
            assert {m["type"] for m in others} <= {"Practitioner", "PractitionerRole"}
            assert all(m["practitioner"]["npi"] for m in others)
    assert labelled
    for source in EHRS:
        calls = calm_sandbox.calls()[source]["calls"]
        # By id, and by number in every source; however many patients, teams and members. Many
        # patients' teams are asked for in a batch, which may need another page.
        assert calls["search"].pop("CareTeam", 0) + sum(calls.get("batch", {}).values()) <= 3
        assert calls["search"] == {"PractitionerRole": 1, "Practitioner": 2, "Organization": 2}


async def test_a_team_for_what_is_sensitive_is_the_patient_s_alone(graph, held):
    patient = await graph.patient("ehr-a", graph.launch)
    query = "... on Patient { careTeams { nodes { id name securityLabels { code } } } }"
    herself = Caller(
        "p", roles=("patient",), scopes=("patient/*.rs",), patient=f"ehr-a/{graph.launch}"
    )
    mine = await graph.entities("directory", query, patient, caller=herself)
    seen = await graph.entities("directory", query, patient)
    active, open_ = own_teams(held, graph.links(patient))
    own, theirs = (
        {node["id"]: node for node in each.data[0]["careTeams"]["nodes"]} for each in (mine, seen)
    )
    assert (len(own), len(theirs)) == (len(active), len(open_))
    assert len(open_) < len(active)
    assert theirs.items() < own.items()
    assert {r.reason for r in seen.report.refusals} == {"label"}
    # Nor by the id, which is as good as unknown.
    (hidden,) = [
        id_ for id_ in own.keys() - theirs.keys() if own[id_]["name"] == "Care team, depression"
    ][:1]
    by_id = await graph.entities(
        "directory", "... on CareTeam { id }", {"__typename": "CareTeam", "id": hidden}
    )
    assert by_id.codes == ["NOT_FOUND"]


async def test_nobody_s_teams_but_their_own_for_a_patient_s_app(graph):
    others = [
        p
        for p in await graph.patients(5)
        if p["id"] != (await graph.patient("ehr-a", graph.launch))["id"]
    ]
    app = Caller(
        "p", roles=("partner-app",), scopes=("patient/*.rs",), patient=f"ehr-a/{graph.launch}"
    )
    answer = await graph.entities("directory", TEAMS, *others, caller=app)
    assert all(not found["careTeams"]["nodes"] for found in answer.data)
    assert {r.reason for r in answer.report.refusals} == {"compartment"}
    assert answer.report.patients == ()


async def test_the_general_practitioner_of_the_record_changed_last(graph, held, calm_sandbox):
    patients = await graph.patients(64)
    calm_sandbox.reset_calls()
    answer = await graph.entities("directory", PRIMARY, *patients)
    assert not answer.errors
    for patient, found in zip(patients, answer.data, strict=True):
        records = [
            (held[source, "Patient"][id_], source)
            for source, id_ in graph.links(patient)
            if source in EHRS
        ]
        newest, source = max(records, key=lambda each: (each[0]["meta"]["lastUpdated"], each[1]))
        (named,) = newest["generalPractitioner"]
        doctor = held[source, "Practitioner"][named["reference"].partition("/")[2]]
        told = found["primaryCareProvider"]
        assert told["type"] == "Practitioner"
        assert told["practitioner"]["name"]["family"] == doctor["name"][0]["family"]
    for source in EHRS:
        calls = calm_sandbox.calls()[source]["calls"]
        assert calls["search"]["Practitioner"] == 2
        assert sum(n for kind in ("search", "batch") for n in calls.get(kind, {}).values()) <= 4


async def test_it_takes_both_rights(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    for scope in ("user/CareTeam.rs", "user/Condition.rs"):
        caller = Caller("c", roles=("clinician",), scopes=(scope, "user/Practitioner.rs"))
        answer = await graph.entities("directory", PRIMARY, patient, caller=caller)
        assert answer.data[0]["primaryCareProvider"] is None


async def test_one_ehr_down_is_told_and_the_other_s_teams_are_there(graph, calm_sandbox):
    patient = await graph.patient("ehr-a", graph.launch)
    calm_sandbox.set_faults("ehr-b", outage="refuse")
    answer = await graph.entities("directory", TEAMS, patient)
    found = answer.data[0]["careTeams"]
    assert {s["source"]: s["state"] for s in found["sources"]} == {
        "ehr-a": "OK",
        "ehr-b": "UNAVAILABLE",
        "payer": "OK",
    }
    assert found["nodes"]
