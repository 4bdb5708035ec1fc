"""FHIR Patient as the standard allows it to be written."""

import msgspec
import pytest

from subgraphs.identity.model import IndexedPerson, PatientResource, is_ssn
from subgraphs.identity.schema.types import Patient
from subgraphs.runtime import fhir
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.gathering import Record
from tests.subgraphs.identity.conftest import NOW

V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"


def person(*resources):
    records = (
        Record(source, "1", msgspec.convert({"id": "1", **resource}, PatientResource), NOW)
        for source, resource in zip(("north", "south"), resources, strict=False)
    )
    return IndexedPerson(Link("north", "1"), tuple(records), ())


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ({"system": "http://hl7.org/fhir/sid/us-ssn"}, True),
        ({"system": "urn:oid:2.16.840.1.113883.4.1"}, True),
        ({"system": "urn:ours", "type": {"coding": [{"system": V2_0203, "code": "SS"}]}}, True),
        ({"system": "urn:ours", "type": {"coding": [{"system": V2_0203, "code": "MR"}]}}, False),
        ({"system": "urn:ours", "type": {"text": "SS"}}, False),
        ({}, False),
    ],
)
def test_a_social_security_number_is_known_however_it_is_marked(identifier, expected):
    assert is_ssn(msgspec.convert(identifier, fhir.Identifier)) is expected


@pytest.mark.parametrize(
    ("names", "family"),
    [
        ([{"use": "old", "family": "Then"}, {"family": "Now"}], "Now"),
        ([{"family": "Then", "period": {"end": "2020"}}, {"family": "Now"}], "Now"),
        ([{"use": "usual", "family": "Called"}, {"use": "official", "family": "Is"}], "Is"),
        ([{"use": "nickname", "text": "Ada"}], None),
    ],
)
def test_the_name_to_call_the_patient_by(names, family):
    resource = msgspec.convert({"id": "1", "name": names}, PatientResource)
    assert resource.usual_name.family == family


def test_who_has_no_name_is_called_by_none():
    assert msgspec.convert({"id": "1"}, PatientResource).usual_name is None


def test_the_newest_record_is_the_last_changed_wherever_its_clock_stands():
    early, late = "2026-01-01T23:30:00+14:00", "2026-01-01T12:00:00Z"
    known = person(
        {"gender": "male", "meta": {"lastUpdated": early}},
        {"gender": "female", "meta": {"lastUpdated": late}},
    )
    assert known.newest.gender == "female"


def test_a_record_without_the_time_of_death_hides_no_other_s():
    died = {"deceasedDateTime": "2025-05-04"}
    patient = Patient(id="any", person=person({"deceasedBoolean": True}, died))
    assert (patient.deceased(), patient.deceased_at()) == (True, "2025-05-04")
