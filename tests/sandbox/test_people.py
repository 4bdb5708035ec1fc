"""Who is whom in the population: some hard to recognise, some easy to mistake, on purpose."""

from collections import Counter, defaultdict

from tests.sandbox.resources import EHRS, appointments, of, patient, session_key


def test_enough_people_are_in_several_sources(population):
    people = population.truth.people
    shared = [p for p in people if set(EHRS) <= p.ids.keys()]
    assert len(people) == 64
    assert len(shared) >= 12
    assert sum("payer" in p.ids for p in people) > 48
    ids = [(source, id_) for p in people for source, id_ in p.ids.items()]
    assert len(set(ids)) == len(ids)
    for source in population.resources:
        known = {p["id"] for p in of(population, source, "Patient")}
        assert known == {id_ for at, id_ in ids if at == source}


def test_shared_people_are_written_down_differently(population):
    seen = Counter()
    for person in population.truth.people:
        if not set(EHRS) <= person.ids.keys():
            assert not person.variations
            continue
        a, b = (patient(population, f"{source}/{person.ids[source]}") for source in EHRS)
        differing = {k for k in ("name", "birthDate", "telecom", "address") if a[k] != b[k]}
        ssns = [
            [i["value"] for i in p["identifier"] if i["system"].endswith("us-ssn")] for p in (a, b)
        ]
        expected = {
            {
                "nickname": "name",
                "typo": "name",
                "married": "name",
                "moved": "address",
                "new-phone": "telecom",
                "birthdate-slip": "birthDate",
            }.get(variation)
            for variation in person.variations
        } - {None}
        assert differing == expected
        assert (ssns[0] != ssns[1]) is ("no-ssn" in person.variations)
        seen.update(person.variations)
    assert len(seen) == 7


def test_lookalikes_are_different_people_in_different_ehrs(population):
    pairs = defaultdict(list)
    for pair in population.truth.lookalikes:
        one, other = (patient(population, records[0]) for records in (pair.one, pair.other))
        assert pair.one[0].startswith("ehr-a/")
        assert pair.other[0].startswith("ehr-b/")
        pairs[pair.likeness].append((one, other))
    assert {likeness: len(found) for likeness, found in pairs.items()} == {
        "namesakes": 2,
        "junior": 2,
        "twins": 2,
    }

    def family(p):
        return p["name"][0]["family"]

    def given(p):
        return p["name"][0]["given"][0]

    for one, other in pairs["namesakes"]:
        assert (family(one), given(one), one["birthDate"]) == (
            family(other),
            given(other),
            other["birthDate"],
        )
        assert one["address"] != other["address"]
    for father, son in pairs["junior"]:
        assert (family(father), given(father)) == (family(son), given(son))
        assert (father["address"], father["telecom"]) == (son["address"], son["telecom"])
        assert father["birthDate"] < son["birthDate"]
    for one, other in pairs["twins"]:
        assert (family(one), one["birthDate"]) == (family(other), other["birthDate"])
        assert one["address"] == other["address"]
        assert given(one) != given(other)


def test_the_patient_persona_has_something_everywhere(population):
    person = population.truth.people[0]
    assert person.ids["ehr-a"] == population.launch_patient
    assert set(person.ids) == {"ehr-a", "ehr-b", "payer"}
    for source in EHRS:
        mine = {"reference": f"Patient/{person.ids[source]}"}
        for type_ in ("Condition", "Observation", "Encounter", "MedicationRequest"):
            assert any(r["subject"] == mine for r in of(population, source, type_))
        assert any(r["patient"] == mine for r in of(population, source, "AllergyIntolerance"))
    booked = [a for a in appointments(population, "ehr-a", person) if a["status"] == "booked"]
    [soonest] = booked
    assert soonest["start"] > "2026-11-22T23"
    assert session_key(soonest) in {visit.id for visit in population.visits["telehealth"]}
