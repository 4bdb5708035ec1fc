"""Whom a record names: as it says itself, and as a key that only the directory opens."""

from datetime import UTC, datetime
from types import SimpleNamespace

import msgspec
import pytest

from subgraphs.records.model import Condition, Encounter
from subgraphs.runtime.fhir import Reference
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.naming import Party, parties_of, party_of
from subgraphs.runtime.parties import open_party
from subgraphs.runtime.sealing import IdSeal
from tests.subgraphs.signed import KEY

INFO = SimpleNamespace(context=SimpleNamespace(subgraph=SimpleNamespace(ids=IdSeal(KEY))))
TYPES = ("Practitioner", "PractitionerRole", "Organization", "Location")


def fact(model, *wires):
    at = datetime(2026, 11, 22, tzinfo=UTC)
    records = [
        Record(f"source-{n}", "p", msgspec.convert({"id": str(n), **wire}, model), at)
        for n, wire in enumerate(wires)
    ]
    return SimpleNamespace(leading=records)


def keys(party):
    links = (party.practitioner(INFO), party.organization(INFO), party.location(INFO))
    return [link and open_party(INFO.context.subgraph.ids, TYPES, link.reference) for link in links]


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        ("Practitioner/1", 0),
        ("PractitionerRole/1", 0),
        ("Organization/1", 1),
        ("Location/1", 2),
        ("Patient/1", None),
        ("Device/1", None),
        ("urn:uuid:1", None),
        (None, None),
    ],
)
def test_each_party_leads_to_the_one_kind_of_entry_it_is(reference, place):
    party = Party.of("north", Reference(reference, display="Dr. Who"))
    found = keys(party)
    assert [place == n for n in range(3)] == [ref is not None for ref in found]
    assert party.display == "Dr. Who"
    if place is not None:
        assert (found[place].source, found[place].url) == ("north", reference)


def test_the_first_record_to_name_someone_is_heard_with_its_own_source():
    recorder = {"reference": "Practitioner/7"}
    found = party_of(fact(Condition, {}, {"recorder": recorder}), lambda c: c.recorder)
    assert keys(found)[0].source == "source-1"
    assert party_of(fact(Condition, {}), lambda c: c.recorder) is None


def test_who_is_contained_is_named_by_what_is_within():
    surgeon = {
        "resourceType": "Practitioner",
        "id": "s",
        "name": [{"family": "Farrow"}],
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1999000100"}],
    }
    wire = {"contained": ["junk", {"id": 3}, surgeon], "serviceProvider": {"reference": "#s"}}
    (party,) = parties_of(fact(Encounter, wire), lambda e: e.service_provider)
    assert (party.type, party.display) == ("Practitioner", "Farrow")
    assert keys(party)[0].value == "1999000100"
    whatever = {"contained": "junk", "serviceProvider": {"reference": "#s"}}
    (party,) = parties_of(fact(Encounter, whatever), lambda e: e.service_provider)
    assert keys(party) == [None, None, None]
