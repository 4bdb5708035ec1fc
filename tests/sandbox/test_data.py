"""The population: valid, repeatable, nobody real, and coherent."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from fhir.resources.R4B import get_fhir_model_class

from sandbox.data.appointments import HEARTHSIDE, AppointmentBook
from sandbox.data.authorizations import EHR_ADDRESS
from sandbox.data.directory import DAYS_AHEAD, SLOT_HOURS, doctors, record_directory
from sandbox.data.population import MAX_PATIENTS, MIN_PATIENTS, build_population
from sandbox.data.shapes import npi_check_digit
from sandbox.data.source import SourceBuilder
from sandbox.data.staff import SITES
from sandbox.wire import encode
from tests.sandbox.resources import EHRS, by_id, codes, of, session_key, walk

TODAY = datetime(2026, 11, 22, tzinfo=UTC)
KINDS = ("Appointment", "Slot")


# Valid and repeatable


@pytest.mark.parametrize("source", ["ehr-a", "ehr-b", "payer"])
def test_every_resource_is_valid_r4(population, source):
    for resource in population.resources[source]:
        get_fhir_model_class(resource["resourceType"]).model_validate_json(encode(resource))


def test_the_same_seed_gives_the_same_bytes(population):
    again = build_population(7, 64, TODAY.date())
    assert encode(again.resources) == encode(population.resources)
    assert (again.truth, again.visits, again.members) == (
        population.truth,
        population.visits,
        population.members,
    )


def test_another_seed_gives_other_people(population):
    other = build_population(8, 64, TODAY.date())
    names = [[p["name"] for p in of(each, "ehr-a", "Patient")] for each in (population, other)]
    assert names[0] != names[1]


def test_people_stay_who_they_are_from_day_to_day(population):
    tomorrow = build_population(7, 64, (TODAY + timedelta(days=1)).date())

    def identities(each):
        return [{k: v for k, v in p.items() if k != "meta"} for p in of(each, "ehr-b", "Patient")]

    assert identities(tomorrow) == identities(population)
    assert tomorrow.truth == population.truth


def test_too_few_patients_are_refused():
    build_population(7, MIN_PATIENTS, TODAY.date())
    with pytest.raises(ValueError, match="at least"):
        build_population(7, MIN_PATIENTS - 1, TODAY.date())


def test_more_patients_than_have_a_number_are_refused():
    with pytest.raises(ValueError, match="at most 9000"):
        build_population(7, MAX_PATIENTS + 1, TODAY.date())


def test_a_full_calendar_goes_on_behind_its_last_day():
    source = SourceBuilder("ehr-a", 7)
    staff = doctors(("Abernathy",), 101)
    directory = record_directory(source, SITES["ehr-a"], staff, TODAY)
    book = AppointmentBook(source, directory, TODAY, HEARTHSIDE)
    slots_shown = DAYS_AHEAD * len(SLOT_HOURS)
    for number in range(slots_shown + 3):
        book.book(number, {"reference": f"Patient/{number}"}, virtual=False, days=1)
    book.close()
    rows = {kind: [r for r in source.resources if r["resourceType"] == kind] for kind in KINDS}
    starts = [appointment["start"] for appointment in rows["Appointment"]]
    assert len(set(starts)) == len(starts) == slots_shown + 3
    slots = {f"Slot/{slot['id']}" for slot in rows["Slot"]}
    assert {slot["reference"] for a in rows["Appointment"] for slot in a["slot"]} == slots


def test_every_reference_leads_somewhere(population):
    ehr_a = by_id(population, "ehr-a")
    for source in population.resources:
        known = by_id(population, source)
        for resource in known.values():
            for node in walk(resource):
                if isinstance(node, dict) and isinstance(node.get("reference"), str):
                    held = {f"#{each['id']}" for each in resource.get("contained", ())}
                    there = node["reference"].removeprefix(EHR_ADDRESS + "/")
                    is_foreign = there != node["reference"]
                    assert there in (ehr_a if is_foreign else known.keys() | held)


# Nobody real


def test_nobody_can_be_reached_or_is_real(population):
    for source in population.resources:
        for person in of(population, source, "Patient"):
            assert all(re.fullmatch(r"\d{3}-555-01\d\d", t["value"]) for t in person["telecom"])
            for identifier in person["identifier"]:
                if identifier["system"].endswith("us-ssn"):
                    assert identifier["value"].startswith("999-")


@pytest.mark.parametrize("source", EHRS)
def test_npis_pass_the_luhn_check(population, source):
    numbers = [
        identifier["value"]
        for type_ in ("Practitioner", "Organization")
        for resource in of(population, source, type_)
        for identifier in resource["identifier"]
    ]
    assert len(set(numbers)) == len(numbers) == 6
    for number in numbers:
        digits = [int(d) for d in reversed("80840" + number)]
        doubled = [d if n % 2 == 0 else sum(divmod(d * 2, 10)) for n, d in enumerate(digits)]
        assert sum(doubled) % 10 == 0


def test_the_check_digit_is_that_of_cms_own_example():
    assert npi_check_digit("123456789") == "3"


# Coherent


@pytest.mark.parametrize("source", EHRS)
def test_a_wide_and_coherent_chart(population, source):
    labs = {
        next(iter(codes(o["code"])))[1]
        for o in of(population, source, "Observation")
        if "laboratory" in {c["code"] for c in o["category"][0]["coding"]}
    }
    assert len(labs) >= 8
    encounters = {f"Encounter/{e['id']}": e for e in of(population, source, "Encounter")}
    for observation in of(population, source, "Observation"):
        if "encounter" in observation:
            encounter = encounters[observation["encounter"]["reference"]]
            assert observation["subject"] == encounter["subject"]
            assert observation["issued"] >= encounter["period"]["start"]
    for type_ in ("Procedure", "Immunization", "DiagnosticReport", "Provenance", "Practitioner"):
        assert of(population, source, type_)


@pytest.mark.parametrize("source", EHRS)
def test_diabetics_have_a_higher_a1c(population, source):
    diabetics = {
        c["subject"]["reference"]
        for c in of(population, source, "Condition")
        if codes(c["code"]) & {("http://hl7.org/fhir/sid/icd-10-cm", "E11.9")}
    }
    values = {True: [], False: []}
    for observation in of(population, source, "Observation"):
        if ("http://loinc.org", "4548-4") in codes(observation["code"]):
            sick = observation["subject"]["reference"] in diabetics
            values[sick].append(observation["valueQuantity"]["value"])
    assert min(values[True]) > max(values[False])


@pytest.mark.parametrize("source", EHRS)
def test_some_lack_what_others_have(population, source):
    """So that a list of latest results has gaps, as real ones do."""
    people = {f"Patient/{p['id']}" for p in of(population, source, "Patient")}
    measured = {
        o["subject"]["reference"]
        for o in of(population, source, "Observation")
        if ("http://loinc.org", "4548-4") in codes(o["code"])
    }
    assert 0.3 < len(measured) / len(people) < 0.9


@pytest.mark.parametrize("source", EHRS)
def test_some_problems_have_passed(population, source):
    seen = Counter()
    for condition in of(population, source, "Condition"):
        status = condition["clinicalStatus"]["coding"][0]["code"]
        category = condition["category"][0]["coding"][0]["code"]
        seen[status, category, "abatementDateTime" in condition] += 1
    assert set(seen) == {
        ("active", "problem-list-item", False),
        ("resolved", "encounter-diagnosis", True),
    }


def test_the_dead_have_nothing_ahead(population):
    dead = [p for p in of(population, "ehr-a", "Patient") if p.get("deceasedBoolean")]
    assert dead
    for person in dead:
        actor = {"reference": f"Patient/{person['id']}"}
        for appointment in of(population, "ehr-a", "Appointment"):
            if actor in [p["actor"] for p in appointment["participant"]]:
                assert appointment["status"] != "booked"


@pytest.mark.parametrize("source", EHRS)
def test_nothing_but_appointments_lies_ahead(population, source):
    now = "2026-11-22T12:00:00Z"
    for resource in population.resources[source]:
        assert resource["meta"]["lastUpdated"] <= now
    upcoming = [a for a in of(population, source, "Appointment") if a["status"] == "booked"]
    assert len(upcoming) > 10
    assert all(a["start"] > now for a in upcoming)
    assert any(session_key(a) for a in upcoming)
    assert any(session_key(a) is None for a in upcoming)


@pytest.mark.parametrize("source", EHRS)
def test_a_slot_is_busy_when_an_appointment_has_it_and_only_once(population, source):
    slots = {f"Slot/{s['id']}": s for s in of(population, source, "Slot")}
    taken = [
        (a["slot"][0]["reference"], a["start"])
        for a in of(population, source, "Appointment")
        if "slot" in a
    ]
    assert len({slot for slot, _ in taken}) == len(taken)
    assert {k for k, s in slots.items() if s["status"] == "busy"} == {slot for slot, _ in taken}
    assert all(slots[slot]["start"] == start for slot, start in taken)


def test_ehr_b_has_a_dialect_of_its_own(population):
    conditions = of(population, "ehr-b", "Condition")
    systems = [[coding["system"] for coding in c["code"]["coding"]] for c in conditions]
    assert all(
        s == ["http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"] for s in systems
    )
    observations = of(population, "ehr-b", "Observation")
    periods = [o for o in observations if "effectivePeriod" in o]
    assert 0.2 < len(periods) / len(observations) < 0.5
    assert all(("effectiveDateTime" in o) is ("effectivePeriod" not in o) for o in observations)
    assert all(len(o["category"][0]["coding"]) == 2 for o in observations)
    assert all("text" in o["category"][0] for o in observations)
    assert not any("effectivePeriod" in o for o in of(population, "ehr-a", "Observation"))


def test_one_result_lies_in_both_ehrs(population):
    person = population.truth.people[0]
    found = []
    for source in EHRS:
        mine = f"Patient/{person.ids[source]}"
        found.append(
            {
                (o["issued"], o["valueQuantity"]["value"])
                for o in of(population, source, "Observation")
                if o["subject"]["reference"] == mine
                and ("http://loinc.org", "4548-4") in codes(o["code"])
            }
        )
    assert len(found[0] & found[1]) == 1


def test_every_running_problem_that_has_a_drug_is_treated_in_each_chart(population):
    for source in EHRS:
        prescribed = {
            (r["subject"]["reference"], r["status"])
            for r in of(population, source, "MedicationRequest")
        }
        treated = {"E11.9", "I10", "E78.5", "J45.909", "F33.1", "F11.20", "B20"}
        visited = {e["subject"]["reference"] for e in of(population, source, "Encounter")}
        for condition in of(population, source, "Condition"):
            who = condition["subject"]["reference"]
            if {code for _, code in codes(condition["code"])} & treated and who in visited:
                assert (who, "active") in prescribed


def drug_of(population, source, supplied):
    """What it is of, wherever the source keeps that."""
    if "medicationCodeableConcept" in supplied:
        return codes(supplied["medicationCodeableConcept"])
    reference = supplied["medicationReference"]["reference"]
    if reference.startswith("#"):
        (contained,) = supplied["contained"]
        assert reference == f"#{contained['id']}"
        return codes(contained["code"])
    return codes(by_id(population, source)[reference]["code"])


def test_what_is_dispensed_was_prescribed_to_the_same_person_before(population):
    for source in EHRS:
        known = by_id(population, source)
        dispensed = of(population, source, "MedicationDispense")
        assert dispensed
        for dispense in dispensed:
            (authorizing,) = dispense["authorizingPrescription"]
            prescription = known[authorizing["reference"]]
            assert prescription["subject"] == dispense["subject"]
            assert prescription["authoredOn"] < dispense["whenHandedOver"]
            assert drug_of(population, source, prescription) == drug_of(
                population, source, dispense
            )


def test_drugs_are_written_in_each_ehr_s_own_way(population):
    ways = {
        source: Counter(
            (next(k for k in r if k.startswith("medication")), "contained" in r)
            for r in of(population, source, "MedicationRequest")
        )
        for source in EHRS
    }
    assert ways["ehr-a"].keys() == {
        ("medicationCodeableConcept", False),
        ("medicationReference", True),
    }
    assert ways["ehr-b"].keys() == {("medicationReference", False)}


def test_what_runs_at_one_ehr_is_known_to_the_other_and_once_misread(population):
    person = population.truth.people[0]
    doses = []
    for source in EHRS:
        mine = {"reference": f"Patient/{person.ids[source]}"}
        doses.append(
            {
                (*drug_of(population, source, r), r["authoredOn"]): r["dosageInstruction"]
                for r in of(population, source, "MedicationRequest")
                if r["subject"] == mine and r["status"] == "active"
            }
        )
    both = doses[0].keys() & doses[1].keys()
    assert len(both) == len(doses[0])
    assert sum(doses[0][each] != doses[1][each] for each in both) == 1


def test_sensitive_records_are_labelled(population):
    sensitive = {"F11.20": "ETH", "F33.1": "PSY", "B20": "HIV"}
    found = Counter()
    for source in EHRS:
        for condition in of(population, source, "Condition"):
            own = {code for _, code in codes(condition["code"])}
            labels = {label["code"] for label in condition["meta"].get("security", ())}
            expected = {sensitive[code] for code in own & sensitive.keys()}
            assert labels - {"R", "42CFRPart2"} == expected
            assert ("R" in labels) is bool(expected)
            assert ("42CFRPart2" in labels) is ("ETH" in labels)
            found.update(expected)
    assert found.keys() == {"ETH", "PSY", "HIV"}
    labelled = {
        r["resourceType"]
        for source in population.resources
        for r in population.resources[source]
        if "security" in r["meta"]
    }
    assert {"MedicationRequest", "Encounter", "Observation", "ExplanationOfBenefit"} <= labelled


def test_visits_follow_each_other(population):
    mine = f"Patient/{population.launch_patient}"
    encounters = [
        e for e in of(population, "ehr-a", "Encounter") if e["subject"]["reference"] == mine
    ]
    assert all(one["period"]["end"] <= two["period"]["start"] for one, two in pairwise(encounters))
