"""How a record's references become the directory's keys, and back."""

import msgspec
import pytest

from subgraphs.runtime.fhir import Contained, Reference, Referring
from subgraphs.runtime.naming import contained_in
from subgraphs.runtime.npi import NPI
from subgraphs.runtime.parties import (
    LISTED,
    PartyRef,
    name_of,
    open_party,
    party_ref,
    seal_party,
)
from subgraphs.runtime.sealing import IdSeal

NUMBER = "1234567893"
ROLE = "PractitionerRole"
CONTAINED = tuple(
    msgspec.convert(each, Contained)
    for each in (
        {
            "resourceType": "Practitioner",
            "id": "doctor",
            "name": [{"family": "Hippocrates", "given": ["Harold"]}],
            "identifier": [{"system": "urn:own", "value": "7"}, {"system": NPI, "value": NUMBER}],
        },
        {"resourceType": "Practitioner", "id": "unnumbered"},
        {"resourceType": "Organization", "id": "house", "name": "The House"},
        {"resourceType": ROLE, "id": "role", "practitioner": {"reference": "#doctor"}},
        {"resourceType": ROLE, "id": "loop", "practitioner": {"reference": "#loop"}},
    )
)
SYNTHEA = "https://github.com/synthetichealth/synthea"


def wire(reference=None, **more):
    return msgspec.convert({"reference": reference, **more}, Reference)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (wire("Practitioner/7"), PartyRef("a", "Practitioner", "Practitioner/7")),
        (
            wire("https://ehr.example/fhir/Location/1"),
            PartyRef("a", "Location", "https://ehr.example/fhir/Location/1"),
        ),
        (
            wire(f"Practitioner?identifier={NPI}|{NUMBER}"),
            PartyRef("a", "Practitioner", system=NPI, value=NUMBER),
        ),
        (
            wire("Location?identifier=https://github.com/synthetichealth/synthea|x-1"),
            PartyRef(
                "a", "Location", system="https://github.com/synthetichealth/synthea", value="x-1"
            ),
        ),
        (
            wire(type="Organization", identifier={"system": "urn:own", "value": "3"}),
            PartyRef("a", "Organization", system="urn:own", value="3"),
        ),
        (wire("#doctor"), PartyRef("a", "Practitioner", system=NPI, value=NUMBER)),
        (wire("#role"), PartyRef("a", "Practitioner", system=NPI, value=NUMBER)),
        (wire("#loop"), None),
        (wire("#unnumbered"), None),
        (wire("#house"), None),
        (wire("#absent"), None),
        (wire("urn:uuid:0a1b"), None),
        (wire("Patient/1"), None),
        (wire("Patient?identifier=urn:x|1"), None),
        (wire("Practitioner?name=Ada"), None),
        (wire(identifier={"system": "urn:own", "value": "3"}), None),
        (wire(display="Dr. Ada"), None),
        (None, None),
    ],
)
def test_what_a_reference_means(reference, expected):
    assert party_ref("a", reference, CONTAINED) == expected


def test_a_name_is_the_record_s_own_or_that_of_what_it_contains():
    assert name_of(wire("#doctor"), CONTAINED) == "Harold Hippocrates"
    assert name_of(wire("#house"), CONTAINED) == "The House"
    assert name_of(wire("#doctor", display="As written"), CONTAINED) == "As written"
    assert name_of(wire("Practitioner/1"), CONTAINED) is None
    assert name_of(None, CONTAINED) is None


def test_a_key_opens_for_its_own_types_under_its_own_seal():
    ids, ref = IdSeal(b"k" * 32), PartyRef("a", "Location", "Location/1")
    key = seal_party(ids, ref)
    assert open_party(ids, LISTED, key) == open_party(ids, ("Location",), key) == ref
    assert open_party(ids, ("Practitioner",), key) is None
    assert open_party(IdSeal(b"x" * 32), LISTED, key) is None
    assert open_party(ids, LISTED, key[:-2]) is None
    assert open_party(ids, LISTED, None) is None
    assert "Location" not in key


@pytest.mark.parametrize(
    ("contained", "kept"),
    [
        ([{"id": "a"}, "nonsense", {"id": "b", "identifier": 7}, {"id": "c"}], ["a", "c"]),
        ([{"id": "one", "identifier": {"system": "urn:x", "value": "1"}}], ["one"]),
        ("nonsense", []),
        ([], []),
    ],
)
def test_what_is_contained_costs_no_record(contained, kept):
    record = msgspec.convert({"id": "1", "contained": contained}, Referring)
    assert [each.id for each in contained_in(record)] == kept
