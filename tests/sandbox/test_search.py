"""Which resources a search finds. https://hl7.org/fhir/R4/search.html"""

import pytest

from sandbox.faults import Faults

LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def resource(type_, id_, updated="2024-01-01T00:00:00Z", **content):
    meta = {"versionId": "1", "lastUpdated": updated}
    return {"resourceType": type_, "id": id_, "meta": meta, **content}


def observation(id_, patient, code, date, category="laboratory", **content):
    return resource(
        "Observation",
        id_,
        status="final",
        code={"coding": [{"system": LOINC, "code": code}]},
        category=[{"coding": [{"system": CATEGORY, "code": category}]}],
        subject={"reference": f"Patient/{patient}"},
        **({"effectiveDateTime": date} if date else {}),
        **content,
    )


PATIENTS = [
    resource(
        "Patient",
        "p1",
        "2024-03-01T00:00:00Z",
        name=[{"family": "Núñez", "given": ["María"]}],
        birthDate="1970-05-04",
        gender="female",
        identifier=[{"system": "urn:mrn", "value": "1"}, {"system": "urn:other", "value": "2"}],
    ),
    resource(
        "Patient",
        "p2",
        "2024-02-01T00:00:00Z",
        name=[{"family": "Nunes", "given": ["Rui"]}],
        birthDate="1980-01-01",
        gender="male",
        identifier=[{"value": "1"}],
    ),
]
OBSERVATIONS = [
    observation("o1", "p1", "4548-4", "2024-01-10"),
    observation("o2", "p1", "4548-4", "2024-03-10"),
    observation("o3", "p1", "8867-4", "2024-02-10T09:30:00Z", "vital-signs"),
    observation("o4", "p2", "4548-4", "2023-12-31"),
    observation(
        "o5", "p2", "718-7", None, effectivePeriod={"start": "2024-02-01", "end": "2024-02-20"}
    ),
    observation("o6", "p2", "718-7", None),
]
PROVENANCE = resource(
    "Provenance",
    "v1",
    target=[{"reference": "Observation/o1"}, {"reference": "Observation/o2"}],
    recorded="2024-01-10T00:00:00Z",
)


@pytest.fixture
def ehr(ehr_of):
    return ehr_of([*PATIENTS, *OBSERVATIONS, PROVENANCE])


@pytest.mark.parametrize(
    ("type_", "params", "expected"),
    [
        ("Patient", {}, "p1 p2"),
        ("Patient", {"_id": "p2,p1,nobody"}, "p1 p2"),
        ("Patient", {"name": "nun"}, "p1 p2"),
        ("Patient", {"family": "nuñ"}, "p1 p2"),
        ("Patient", {"family:exact": "Nunes"}, "p2"),
        ("Patient", {"name:contains": "ari"}, "p1"),
        ("Patient", {"identifier": "1"}, "p1 p2"),
        ("Patient", {"identifier": "urn:mrn|1"}, "p1"),
        ("Patient", {"identifier": "|1"}, "p2"),
        ("Patient", {"identifier": "urn:other|"}, "p1"),
        ("Patient", {"gender:not": "male"}, "p1"),
        ("Patient", {"birthdate": "1970"}, "p1"),
        ("Patient", {"birthdate": "lt1975-01-01"}, "p1"),
        ("Patient", {"name": "nun", "birthdate": "1980-01-01"}, "p2"),
        ("Patient", {"_lastUpdated": "ge2024-02-15"}, "p1"),
        ("Observation", {"patient": "p1"}, "o1 o2 o3"),
        ("Observation", {"patient": "Patient/p1"}, "o1 o2 o3"),
        ("Observation", {"patient": "http://ehr.example/fhir/Patient/p1"}, "o1 o2 o3"),
        ("Observation", {"subject:Patient": "p1"}, "o1 o2 o3"),
        ("Observation", {"patient": "p1,p2", "code": "4548-4"}, "o1 o2 o4"),
        ("Observation", {"patient": "p1", "code": "4548-4,8867-4"}, "o1 o2 o3"),
        ("Observation", {"patient": "p1", "code": f"{LOINC}|8867-4"}, "o3"),
        ("Observation", {"patient": "p1", "code": "http://snomed.info/sct|8867-4"}, ""),
        ("Observation", {"patient": "p1", "category": "vital-signs"}, "o3"),
        ("Observation", {"patient": "p1", "category": f"{CATEGORY}|laboratory"}, "o1 o2"),
        ("Observation", {"patient": "p2", "date": "2024-02"}, "o5"),
        ("Observation", {"patient": "p2", "date": "ge2024-02-10"}, "o5"),
        ("Observation", {"patient": "p1", "date": "2024-02-10"}, "o3"),
        ("Observation", {"date:missing": "true"}, "o6"),
        ("Observation", {"patient": "nobody"}, ""),
        ("Observation", {"patient:missing": "true"}, ""),
        ("Provenance", {"target": "Observation/o2"}, "v1"),
    ],
)
def test_finds(ehr, type_, params, expected):
    assert sorted(ehr.ids(type_, params)) == expected.split()


def test_repeated_parameters_all_hold(ehr):
    dates = [("date", "ge2024-01-01"), ("date", "lt2024-02-01")]
    assert ehr.ids("Observation", dates) == ["o1"]


def test_a_comma_in_a_value_is_written_with_a_backslash(ehr_of):
    both = [{"system": "u", "value": "a,b"}]
    ehr = ehr_of([resource("Patient", "p", identifier=both)])
    assert ehr.ids("Patient", {"identifier": "u|a\\,b"}) == ["p"]
    assert ehr.ids("Patient", {"identifier": "u|a,b"}) == []


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("date", "o4 o1 o5 o3 o2 o6"),
        ("-date", "o2 o3 o5 o1 o4 o6"),
        ("code,-date", "o2 o1 o4 o5 o6 o3"),
    ],
)
def test_sorts_with_what_has_no_value_last(ehr, sort, expected):
    assert ehr.ids("Observation", {"_sort": sort}) == expected.split()


def test_sorts_by_the_first_of_several_values_in_its_direction(ehr_of):
    def named(id_, *families):
        return resource("Patient", id_, name=[{"family": family} for family in families])

    ehr = ehr_of([named("p", "Moore", "Adams"), named("q", "Brown"), named("r", "Young", "Cole")])
    assert ehr.ids("Patient", {"_sort": "family"}) == ["p", "q", "r"]
    assert ehr.ids("Patient", {"_sort": "-family"}) == ["r", "p", "q"]


def test_sorting_descending_takes_the_newest_of_each(ehr):
    found = ehr.search("Observation", {"patient": "p1", "_sort": "-date", "_count": "1"})
    assert (found["total"], found["entry"][0]["resource"]["id"]) == (3, "o2")


def modes(bundle):
    return [(e["resource"]["id"], e["search"]["mode"]) for e in bundle["entry"]]


def test_include_brings_each_referenced_resource_once(ehr):
    params = {"patient": "p1", "code": "4548-4", "_include": "Observation:patient"}
    found = ehr.search("Observation", params)
    assert modes(found) == [("o1", "match"), ("o2", "match"), ("p1", "include")]
    assert found["total"] == 2


def test_revinclude_brings_provenance(ehr):
    found = ehr.search("Observation", {"_id": "o1,o3", "_revinclude": "Provenance:target"})
    assert modes(found) == [("o1", "match"), ("o3", "match"), ("v1", "include")]


def test_revinclude_forgets_what_no_longer_refers(ehr):
    moved = {**PROVENANCE, "target": [{"reference": "Observation/o2"}]}
    moved["agent"] = [{"who": {"reference": "Patient/p1"}}]
    assert ehr.ask("PUT", "Provenance/v1", moved, token="writer").status == 200
    found = ehr.search("Observation", {"_id": "o1", "_revinclude": "Provenance:target"})
    assert modes(found) == [("o1", "match")]


def test_a_posted_form_is_the_same_search(ehr):
    form = {"content_type": "application/x-www-form-urlencoded"}
    answer = ehr.ask("POST", "Observation/_search", b"patient=p1&code=8867-4", **form)
    assert b'"id":"o3"' in answer.body
    assert ehr.last_call.kind == "search"


def test_an_unknown_parameter_is_ignored_and_said_so(ehr):
    found = ehr.search("Patient", {"shoe-size": "44"})
    assert [e["search"]["mode"] for e in found["entry"]] == ["match", "match", "outcome"]


@pytest.mark.parametrize("params", ["shoe-size=44", "_sort=shoe-size", "_include=Patient:shoes"])
def test_strict_handling_refuses_what_it_does_not_know(ehr, params):
    answer = ehr.ask("GET", f"Patient?{params}", prefer="handling=strict")
    assert answer.status == 400
    assert b"OperationOutcome" in answer.body


@pytest.mark.parametrize(
    "params",
    [
        "birthdate=soon",
        "birthdate=ap1970",
        "_count=-1",
        "_count=many",
        "name:soundslike=nunez",
        "gender:missing=perhaps",
        "identifier:in=urn:valueset",
    ],
)
def test_refuses_what_it_cannot_honour(ehr, params):
    assert ehr.ask("GET", f"Patient?{params}").status == 400


def test_comma_lists_can_be_switched_off(ehr_of):
    ehr = ehr_of(PATIENTS, faults=Faults(multiple_or=False))
    assert ehr.ask("GET", "Patient?_id=p1,p2").status == 400
    assert ehr.ids("Patient", {"_id": "p1"}) == ["p1"]


def test_an_empty_searchset_has_no_entry_at_all(ehr):
    assert "entry" not in ehr.search("Patient", {"_id": "nobody"})
