"""Care gaps against an independent computation over what the two EHRs hold, in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.acceptance.test_whole_path import EHRS, upstream_calls

TYPES = ("Condition", "Observation", "Procedure", "Immunization")
CLOSED = {"R", "V", "ETH", "HIV", "PSY"}
"""The labels that the sandbox puts on records."""
FLU = {"140"}


@pytest.fixture(scope="module")
def charts(demo_process):
    """What both EHRs hold of each person, by the sandbox's own truth of who is who."""
    demo = demo_process
    headers = {"authorization": f"Bearer {demo.sandbox.system_token()}"}
    owner = {
        (source, id_): person["number"]
        for person in demo.sandbox.truth["people"]
        for source, id_ in person["ids"].items()
    }
    found = defaultdict(list)
    for source in EHRS:
        for type_ in ("Patient", *TYPES):
            url = f"{demo.sandbox.url(source)}/{type_}?_count=1000"
            while url:
                bundle = demo.http.get(url, headers=headers).raise_for_status().json()
                for entry in bundle.get("entry", ()):
                    row = entry["resource"]
                    found[owner[source, patient_of(row)]].append((source, row))
                links = {link["relation"]: link["url"] for link in bundle["link"]}
                url = links.get("next")
    return dict(found)


def patient_of(row):
    if row["resourceType"] == "Patient":
        return row["id"]
    return (row.get("subject") or row["patient"])["reference"].rpartition("/")[2]


def is_open(row):
    return not CLOSED & {label["code"] for label in row.get("meta", {}).get("security", ())}


def codes(concept):
    return {coding["code"] for coding in concept["coding"]}


def rows(chart, type_):
    return [(s, row) for s, row in chart if row["resourceType"] == type_ and is_open(row)]


def has(chart, *wanted):
    return any(codes(row["code"]) & set(wanted) for _, row in rows(chart, "Condition"))


def day(text):
    return datetime.fromisoformat(text).astimezone(UTC).date()


def measured(chart, code):
    """Day and value of every measurement, components included."""
    for _, row in rows(chart, "Observation"):
        for part in (row, *row.get("component", ())):
            if code in codes(part["code"]) and "valueQuantity" in part:
                period = row.get("effectivePeriod", {})
                taken = row.get("effectiveDateTime") or row.get("effectiveInstant")
                moment = taken or period.get("end") or period["start"]
                yield day(moment), part["valueQuantity"]["value"]


def last(chart, code):
    """The last day of it, and the lowest value of that day."""
    found = list(measured(chart, code))
    return min(found, key=lambda each: (-each[0].toordinal(), each[1]), default=None)


def ages(chart):
    """One for each EHR: where they disagree, this says nothing."""
    today = datetime.now(UTC).date()
    for _, row in chart:
        if row["resourceType"] == "Patient":
            born = date.fromisoformat(row["birthDate"])
            yield today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def is_aged(chart, first, final):
    return all(first <= age <= final for age in ages(chart))


def untested(chart, today):
    if not (has(chart, "E11.9", "44054006") and is_aged(chart, 18, 75)):
        return None
    tested = last(chart, "4548-4")
    if tested and tested[0] > today - timedelta(days=180):
        return None
    return tested and (tested[0] + timedelta(days=180), str(tested[1]))


def uncontrolled(chart, today):
    if not (has(chart, "I10", "59621000") and is_aged(chart, 18, 85)):
        return None
    parts = [last(chart, "8480-6"), last(chart, "8462-4")]
    a_year_ago = today.replace(year=today.year - 1)
    is_timely = all(part and part[0] > a_year_ago for part in parts)
    if not is_timely or (parts[0][1] < 140 and parts[1][1] < 90):
        return None
    return parts[0][0], str(parts[0][1])


@pytest.mark.parametrize(
    ("measure", "expect"),
    [("diabetes-a1c-tested", untested), ("blood-pressure-controlled", uncontrolled)],
)
def test_the_worklist_holds_who_it_should(demo, charts, measure, expect):
    today = datetime.now(UTC).date()
    expected = Counter(found for chart in charts.values() if (found := expect(chart, today)))
    answer = demo.run("care-gaps", measure=measure, first=100)
    assert "errors" not in answer
    found = Counter(
        (date.fromisoformat(node["due"]), node["evidence"][0]["value"]["value"])
        for node in answer["data"]["cohort"]["gaps"]["nodes"]
        # Out of range since it was measured: those whose measurement is missing are no part of it.
        if node["evidence"] and (expect is untested or node["reason"] == "OUT_OF_RANGE")
    )
    assert sum(expected.values()) >= 2
    if expect is uncontrolled:
        # Due since the earlier of two parts was out of range: which of them is not told apart here.
        assert sum(found.values()) == sum(expected.values())
    else:
        assert found == expected


def test_a_season_without_vaccination(demo, charts):
    today = datetime.now(UTC).date()
    began = date(today.year if today.month >= 7 else today.year - 1, 7, 1)
    vaccinated = {
        number
        for number, chart in charts.items()
        for _, row in rows(chart, "Immunization")
        if codes(row["vaccineCode"]) & FLU and day(row["occurrenceDateTime"]) >= began
    }
    alive = {
        number
        for number, chart in charts.items()
        if min(ages(chart)) >= 1
        and not any(row.get("deceasedDateTime") or row.get("deceasedBoolean") for _, row in chart)
    }
    answer = demo.run("care-gaps", measure="influenza-vaccination", first=200)
    nodes = answer["data"]["cohort"]["gaps"]["nodes"]
    assert len(nodes) == len(alive - vaccinated)
    assert {node["due"] for node in nodes} == {began.isoformat()}


def test_a_patient_is_told_what_her_clinician_is(demo):
    query = """{ me { patient { id careGaps { nodes { measure { id } due } } } } }"""
    patient = demo.ask(query, persona="patient")["data"]["me"]["patient"]
    query = (
        """query ($id: ID!) { patient(id: $id) { careGaps { nodes { measure { id } due } } } }"""
    )
    seen = demo.ask(query, {"id": patient["id"]})["data"]["patient"]
    assert patient["careGaps"]["nodes"]
    assert seen["careGaps"] == patient["careGaps"]


def test_what_was_exported_is_asked_of_nobody(demo):
    query = """{ cohort(measure: "diabetes-a1c-tested") {
        gaps(first: 50) { nodes { due evidence { day } patient { id name { text } } } } } }"""
    assert demo.ask(query)["data"]["cohort"]["gaps"]["nodes"]
    assert upstream_calls(demo) == {}


@pytest.mark.parametrize("first", [2, 50])
def test_the_calls_of_a_worklist_do_not_grow_with_it(demo, first):
    answer = demo.run("care-gaps", measure="influenza-vaccination", first=first)
    assert "errors" not in answer
    calls = upstream_calls(demo)
    # Appointments of two EHRs, and of the payer coverages with what they refer to.
    assert {source for source, _ in calls} <= {*EHRS, "payer", "payer-x12"}
    # Whoever is covered is asked about in one interchange.
    assert calls.pop(("payer-x12", "270"), 0) <= 1
    assert sum(calls.values()) <= 6, calls


def test_with_the_ehrs_down_the_gaps_are_still_known(demo):
    for source in EHRS:
        demo.sandbox.set_faults(source, outage="503")
    answer = demo.run("care-gaps", measure="diabetes-a1c-tested", first=5)
    gaps = answer["data"]["cohort"]["gaps"]
    assert len(gaps["nodes"]) >= 2
    assert {each["source"] for each in gaps["sources"]} == set(EHRS)


def test_a_dashboard_names_nobody_and_is_read_of_nobody(demo, charts):
    answer = demo.run("quality-dashboard", persona="researcher", months=3)
    assert "errors" not in answer
    measures = {each["id"]: each for each in answer["data"]["measures"]}
    assert len(measures) >= 6
    told = [
        rate
        for each in measures.values()
        for rate in (*each["rates"], *each["byOrganization"], *each["trend"])
    ]
    for rate in told:
        numbers = [rate[name] for name in ("eligible", "met") if rate[name] is not None]
        assert all(number >= 11 for number in numbers)
    (flu,) = measures["influenza-vaccination"]["rates"]
    assert flu["eligible"] <= len(charts)
    # Nobody's own gaps are for research.
    refused = demo.ask(
        '{ cohort(measure: "influenza-vaccination") { gaps { nodes { due } } } }',
        None,
        "researcher",
    )
    assert refused["data"]["cohort"]["gaps"]["nodes"] == []


@pytest.mark.parametrize("persona", ["biller", "partner", "privacy-officer", "steward"])
def test_worklists_are_not_for_everybody(demo, persona):
    answer = demo.run("care-gaps", persona=persona, measure="diabetes-a1c-tested", first=5)
    assert answer["data"] == {"cohort": None}
    assert answer["errors"][0]["extensions"]["code"] == "SCOPE_REQUIRED"
