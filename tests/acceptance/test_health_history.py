"""What a chart holds beside its visits, and a child's chart as a parent sees it, in the demo."""

from __future__ import annotations

import pytest

from tests.acceptance.test_scheduling import held
from tests.acceptance.test_whole_path import EHRS, upstream_calls

TYPES = (
    *("FamilyMemberHistory", "Procedure", "Device"),
    *("QuestionnaireResponse", "ImagingStudy", "Media"),
)
HPV = "165"


@pytest.fixture
def me(demo):
    return demo.ask("{ me { patient { id } } }", persona="patient")["data"]["me"]["patient"]["id"]


def rows(demo, ids, type_):
    return [row for source in EHRS for row in held(demo, source, type_, patient=ids[source])]


def test_what_the_ehrs_hold_is_there_in_one_call_for_each_type(demo, me):
    ids = next(p for p in demo.sandbox.truth["people"] if p["number"] == 0)["ids"]
    demo.run("health-history", "patient", id=me)
    demo.sandbox.reset_calls()
    answer = demo.run("health-history", "patient", id=me)
    assert "errors" not in answer, answer
    assert upstream_calls(demo) == {(ehr, type_): 1 for ehr in EHRS for type_ in TYPES}
    patient = answer["data"]["patient"]
    told = rows(demo, ids, "FamilyMemberHistory")
    assert sorted(
        (each["relationship"]["text"], each["conditions"][0]["code"]["text"])
        for each in patient["familyHistory"]["nodes"]
    ) == sorted(
        (r["relationship"]["coding"][0]["display"], r["condition"][0]["code"]["text"]) for r in told
    )
    done = {row["performedDateTime"] for row in rows(demo, ids, "Procedure")}
    assert {each["performed"] for each in patient["procedures"]["nodes"]} == done
    assert {udi["humanReadable"] for d in patient["devices"]["nodes"] for udi in d["udi"]} == {
        row["udiCarrier"][0]["carrierHRF"] for row in rows(demo, ids, "Device")
    }
    forms = rows(demo, ids, "QuestionnaireResponse")
    assert sorted(each["authored"] for each in patient["questionnaireResponses"]["nodes"]) == (
        sorted(form["authored"] for form in forms)
    )
    assert forms
    pictures = rows(demo, ids, "Media")
    assert sorted(each["created"] for each in patient["media"]["nodes"]) == sorted(
        row["createdDateTime"] for row in pictures
    )
    assert pictures
    studies = rows(demo, ids, "ImagingStudy")
    uids = {row["identifier"][0]["value"].removeprefix("urn:oid:") for row in studies}
    urls = [each["wadoUrl"] for each in patient["imagingStudies"]["nodes"]]
    assert {url.rpartition("/studies/")[2] for url in urls} == uids
    assert all(url.startswith("https://images.ehr-") for url in urls)


def test_results_name_the_specimens_they_were_made_of(demo, me):
    query = """query($id: ID!) { patient(id: $id) { observations(category: LABORATORY) {
      nodes { specimen { id type { text } } } } } }"""
    answer = demo.ask(query, {"id": me})
    assert "errors" not in answer, answer
    nodes = answer["data"]["patient"]["observations"]["nodes"]
    assert {n["specimen"]["type"]["text"] for n in nodes if n["specimen"]} == {"Blood specimen"}


def test_a_parent_reads_a_minor_s_chart_but_not_what_is_the_minor_s_own(demo):
    child = demo.sandbox.ready["personas"]["guardian"]["patient"]
    demo.run("childs-chart", "guardian")
    demo.sandbox.reset_calls()
    answer = demo.run("childs-chart", "guardian")
    assert "errors" not in answer, answer
    calls = upstream_calls(demo)
    assert max(calls.values()) == 1, calls
    seen = answer["data"]["me"]["patient"]
    assert answer["data"]["me"]["roles"] == ["proxy"]
    guardian = demo.sandbox.ready["personas"]["guardian"]["fhir_user"]
    (stands_by,) = held(demo, "ehr-a", "RelatedPerson", patient=child)
    assert f"RelatedPerson/{stands_by['id']}" == guardian
    (related,) = seen["relatedPersons"]["nodes"]
    assert related["name"]["text"] == " ".join(
        (*stands_by["name"][0]["given"], stands_by["name"][0]["family"])
    )
    ids = next(p["ids"] for p in demo.sandbox.truth["people"] if p["ids"].get("ehr-a") == child)
    given = {
        row["vaccineCode"]["coding"][0]["code"]
        for source in ids.keys() & set(EHRS)
        for row in held(demo, source, "Immunization", patient=ids[source])
    }
    assert HPV in given

    def vaccines(chart):
        return {
            coding["code"]
            for node in chart["immunizations"]["nodes"]
            for coding in node["vaccineCode"]["coding"]
        }

    assert vaccines(seen) == given - {HPV}
    assert {each["state"] for each in seen["immunizations"]["sources"]} == {"OK"}
    token = demo.sandbox.persona_token("patient", patient=child)
    query = """{ me { patient { id immunizations {
      nodes { id vaccineCode { coding { code } } } } } } }"""
    headers = {"authorization": f"Bearer {token}"}
    own = demo.post({"query": query}, persona=None, headers=headers).json()["data"]["me"]["patient"]
    assert own["id"] == seen["id"]
    assert vaccines(own) == given
    # By its id it is nobody's there, and no other child's chart is hers.
    hidden = next(
        node["id"]
        for node in own["immunizations"]["nodes"]
        if node["vaccineCode"]["coding"][0]["code"] == HPV
    )
    assert hidden not in str(seen)
    others = [each["id"] for each in demo.patients() if each["id"] != seen["id"]]
    asked = demo.ask("query($id: ID!) { patient(id: $id) { id } }", {"id": others[0]}, "guardian")
    assert asked["data"]["patient"] is None


def test_colorectal_screening_knows_who_was_screened(demo):
    """A gap by the measure is of nobody with a colonoscopy of the last ten years."""
    query = """query($first: Int!) { cohort(measure: "colorectal-cancer-screening") {
      gaps(first: $first) { nodes { patient { id } } } } }"""
    nodes = demo.ask(query, {"first": 200})["data"]["cohort"]["gaps"]["nodes"]
    gaps = {node["patient"]["id"] for node in nodes}
    query = """query($first: Int!) { patients(first: $first) { nodes { id
      procedures { nodes { code { coding { code } } } } } } }"""
    people = demo.ask(query, {"first": 100})["data"]["patients"]["nodes"]
    screened = {
        each["id"]
        for each in people
        if "G0121" in str([node["code"] for node in each["procedures"]["nodes"]])
    }
    assert len(screened) > 5
    assert gaps
    assert not gaps & screened
