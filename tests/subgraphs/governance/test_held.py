"""Consents that sources hold: read in batches, followed like ours, and closed where unread."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from contract.context import Caller
from subgraphs.connectors.errors import TimedOut
from subgraphs.governance.holding import HeldConsents
from subgraphs.governance.model import ConsentStatus
from subgraphs.governance.reading import Holder, is_about_privacy, named_organizations, provision_of
from subgraphs.governance.remembering import FRESH
from subgraphs.governance.sources.consents import ConsentResource, FhirConsents
from subgraphs.runtime.consent import UNKNOWN_ACTOR, Directives, Provision, actor_key, rule
from subgraphs.runtime.crosswalk import Link
from tests.subgraphs.runtime.test_consent import CALLER, CARE, NOW, SUD, Record
from tests.subgraphs.sources import FhirServerHolding, SourceContract

HL7 = "http://terminology.hl7.org/CodeSystem/"
BASE = "https://ehr.example/fhir"
HOLDER = Holder("ehr-a", BASE, {"care": (CARE,)})
LABELLED = Record(labels=SUD)


def coded(system, code):
    return {"coding": [{"system": HL7 + system, "code": code}]}


def wire(provision=None, **more):
    return {
        "resourceType": "Consent",
        "id": "c1",
        "status": "active",
        "scope": coded("consentscope", "patient-privacy"),
        "category": [coded("loinc", "59284-0")],
        "patient": {"reference": "Patient/p1"},
        "policyRule": coded("v3-ActCode", "OPTIN"),
        **({"provision": provision} if provision else {}),
        **more,
    }


def read(provision=None, **more):
    return provision_of(msgspec.convert(wire(provision, **more), ConsentResource), HOLDER)


def refusal(consent, record=LABELLED, caller=CALLER):
    return rule(Directives((consent,)), caller, NOW).refusal(record)


def actor(reference, role="IRCP"):
    return {"role": coded("v3-ParticipationType", role), "reference": reference}


TO_CARE = actor({"reference": "Organization/care"})
PART_2 = [{"system": HL7 + "v3-ActCode", "code": "42CFRPart2"}]
OPENS = {"type": "permit", "actor": [TO_CARE], "securityLabel": PART_2}


class TestSource(SourceContract):
    def row(self, id_, patient):
        return wire() | {"id": id_, "patient": {"reference": f"Patient/{patient}"}}

    async def ask(self, patients, held, error=None):
        return await FhirConsents(FhirServerHolding(held, error), BASE).consents(patients)


def test_what_it_says_is_about_its_source_s_records():
    assert refusal(read(OPENS)) is None
    elsewhere = Record(labels=SUD, sources=frozenset({"ehr-a", "ehr-b"}))
    assert refusal(read(OPENS), elsewhere) == "label"
    ordinary = Record(sources=frozenset({"ehr-b"}))
    assert refusal(read({"type": "deny"}), ordinary) is None
    assert refusal(read({"type": "deny"}), Record()) == "consent"
    assert refusal(read({"type": "deny"}), Record(sources=elsewhere.sources)) == "consent"


BASES = [
    pytest.param("OPTIN", None, None, id="an opt-in closes nothing"),
    pytest.param("OPTOUT", None, "consent", id="an opt-out closes all"),
    pytest.param("OPTOUT", {"type": "permit", "actor": [TO_CARE]}, None, id="but what it permits"),
    pytest.param(
        "OPTOUT", {"type": "permit", "purpose": [{"code": "HRESCH"}]}, "consent", id="and no more"
    ),
    pytest.param("OPTIN", {"type": "deny", "actor": [TO_CARE]}, "consent", id="a deny"),
    pytest.param("hipaa-npp", None, None, id="a notice directs nothing"),
    pytest.param(
        "OPTOUT",
        {"provision": [{"type": "permit", "actor": [TO_CARE]}]},
        None,
        id="within the base",
    ),
]


@pytest.mark.parametrize(("policy", "provision", "closed"), BASES)
def test_the_base_policy_holds_where_no_provision_does(policy, provision, closed):
    consent = read(provision, policyRule=coded("v3-ActCode", policy))
    assert refusal(consent, Record()) == closed


UNREADABLE = [
    pytest.param({"actor": [actor({"reference": "Group/1"})]}, id="a group"),
    pytest.param({"actor": [actor({"reference": "https://other.example/Organization/care"})]}),
    pytest.param({"actor": [actor({"display": "Dr. Who"})]}, id="a name alone"),
    pytest.param({"actor": [TO_CARE, actor({"reference": "Organization/x"}, "CST")]}, id="a part"),
    pytest.param({"actor": [TO_CARE, actor({"reference": "Practitioner/x"}, "AUT")]}, id="author"),
    pytest.param({"dataPeriod": {"start": "2020"}}, id="dates of records"),
    pytest.param({"period": {"start": "some day"}}, id="a period that is none"),
    pytest.param({"securityLabel": [{"code": "N"}]}, id="a label that closes nothing"),
    pytest.param({"class": [{"system": "http://loinc.org", "code": "34133-9"}]}, id="a document"),
    pytest.param({"code": [{"text": "whatever she means"}]}, id="words"),
    pytest.param({"purpose": [{"system": "urn:local", "code": "care"}]}, id="a local purpose"),
    pytest.param({"action": [{"text": "show"}]}, id="an action in words"),
    pytest.param({"data": [{"meaning": "related", "reference": {"reference": "Task/1"}}]}),
    pytest.param({"modifierExtension": [{"url": "urn:not"}]}, id="a modifier"),
]


@pytest.mark.parametrize("condition", UNREADABLE)
def test_what_cannot_be_read_opens_nothing_and_closes(condition):
    assert refusal(read(OPENS | condition)) == "label"
    assert refusal(read({"type": "deny"} | condition), Record()) == "consent"


READ = [
    ({"class": [{"code": "Condition"}]}, True),
    ({"class": [{"code": "Observation"}]}, False),
    ({"code": [{"coding": [{"system": "http://snomed.info/sct", "code": "75544000"}]}]}, True),
    ({"purpose": [{"system": HL7 + "v3-ActReason", "code": "TREAT"}]}, True),
    ({"purpose": [{"system": HL7 + "v3-ActReason", "code": "HMARKT"}]}, False),
    ({"period": {"start": "2026-01-01", "end": "2026-12-31"}}, True),
    ({"period": {"end": "2026-11-21"}}, False),
    ({"actor": [actor({"reference": "Practitioner/dr"})]}, True),
    ({"actor": [actor({"reference": f"{BASE}/Practitioner/dr"})]}, True),
    ({"actor": [actor({"reference": "Practitioner/other"})]}, False),
    ({"actor": [actor({"identifier": {"value": CARE}, "type": "Organization"})]}, True),
    ({"actor": [actor({"reference": "RelatedPerson/dr"})]}, False),
    ({"action": [coded("consentaction", "disclose")]}, True),
    ({"action": [coded("consentaction", "correct")]}, False),
]


@pytest.mark.parametrize(("condition", "is_meant"), READ)
def test_conditions(condition, is_meant):
    opened = {"type": "permit", "securityLabel": PART_2} | condition
    assert refusal(read(opened)) == (None if is_meant else "label")
    closed = "consent" if is_meant else None
    assert refusal(read({"type": "deny"} | condition), Record()) == closed


def test_a_record_that_is_named_closes_its_type_alone():
    named = [{"meaning": "instance", "reference": {"reference": "Observation/1"}}]
    consent = read({"type": "deny", "data": named})
    assert refusal(consent, Record("Observation")) == "consent"
    assert refusal(consent, Record("Condition")) is None


def test_the_whole_source_s_keeper_is_no_part_of_it():
    keeper = {"reference": "Organization/x"}
    provision = OPENS | {"actor": [TO_CARE, actor(keeper, "CST")]}
    assert refusal(read(provision, organization=[keeper])) is None


def test_a_deny_within_a_permit_that_cannot_be_decided_may_hold():
    inner = {"type": "deny", "class": [{"code": "Condition"}]}
    outer = OPENS | {"dataPeriod": {"start": "2020"}, "provision": [inner]}
    assert refusal(read(outer)) == "consent"
    assert refusal(read({"type": "deny", "provision": [OPENS | {"dataPeriod": {}}]})) == "consent"


def test_however_deep_it_lies_it_is_not_lost():
    provision = {"type": "deny"}
    for _ in range(40):
        provision = {"type": "permit", "provision": [provision]}
    assert refusal(read(provision), Record()) == "consent"


def test_consents_to_other_things_say_nothing_here():
    research = msgspec.convert(wire(scope=coded("consentscope", "research")), ConsentResource)
    assert not is_about_privacy(research)
    unknown = msgspec.convert(wire(OPENS, scope={"text": "?"}), ConsentResource)
    assert is_about_privacy(unknown)
    assert refusal(provision_of(unknown, HOLDER)) == "label"


def test_a_caregiver_is_meant_by_her_own_record():
    mother = Caller("m", roles=("proxy",), fhir_user="ehr-a/RelatedPerson/eve")
    consent = read({"type": "deny", "actor": [actor({"reference": "RelatedPerson/eve"})]})
    assert refusal(consent, Record(), mother) == "consent"
    assert refusal(consent, Record(), CALLER) is None


def test_whose_uris_have_to_be_known():
    consents = [msgspec.convert(wire({"provision": [OPENS]}), ConsentResource)]
    assert named_organizations(consents, BASE) == {"care"}
    unknown = provision_of(consents[0], Holder("ehr-a", BASE, {}))
    assert unknown.exceptions[0].recipients == (UNKNOWN_ACTOR,)
    assert read({"provision": [OPENS]}).exceptions[0].recipients == (
        actor_key("organization", CARE),
    )


class Server:
    """A FHIR server that counts what it is asked, and fails when it is told to."""

    def __init__(self):
        self.asked = []
        self.error = None
        self.held = {"p1": [wire(OPENS)]}
        self.organizations = {
            "care": {"id": "care", "identifier": [{"system": "urn:ietf:rfc:3986", "value": CARE}]}
        }

    async def search_by(self, type_, param, keys, _others=None):
        self.asked.append((type_, param, tuple(keys)))
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return {key: self.held.get(key, []) for key in keys}

    async def read(self, type_, ids):
        self.asked.append((type_, "_id", tuple(ids)))
        return {id_: self.organizations[id_] for id_ in ids if id_ in self.organizations}


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def ehr():
    return Server()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def held(ehr, clock):
    sources = {"ehr-a": FhirConsents(ehr, BASE)}
    return HeldConsents(sources, lambda: datetime(2026, 11, 22, tzinfo=UTC), clock)


def links(*ids):
    return [(Link("ehr-a", id_), Link("payer", id_)) for id_ in ids]


async def test_many_patients_cost_one_question_and_those_they_name_another(held, ehr):
    one, *others = await held.look_up(links("p1", "p2", "p3"))
    assert ehr.asked == [
        ("Consent", "patient", ("p1", "p2", "p3")),
        ("Organization", "_id", ("care",)),
    ]
    (consent,) = one.rows
    assert (consent.status, consent.source) == (ConsentStatus.ACTIVE, "ehr-a")
    assert consent.provision.custodians == ("ehr-a",)
    assert [each.rows for each in others] == [(), ()]
    assert {report.state for each in (one, *others) for report in each.sources} == {"OK"}


async def test_who_asks_at_once_shares_the_answer(held, ehr):
    asked = [held.look_up(links("p1")), held.look_up(links("p1", "p2")), held.look_up(links("p2"))]
    first, second, third = await asyncio.gather(*asked)
    assert (first[0].rows, second[1].rows) == (second[0].rows, third[0].rows)
    assert sorted(keys for type_, _, keys in ehr.asked if type_ == "Consent") == [("p1",), ("p2",)]


async def test_an_answer_is_good_for_a_while(held, ehr, clock):
    await held.look_up(links("p1"))
    ehr.asked.clear()
    clock.now += FRESH - 1
    await held.look_up(links("p1"))
    assert not ehr.asked
    ehr.held = {}
    clock.now += 2
    (found,) = await held.look_up(links("p1"))
    assert found.rows == ()


async def test_a_source_that_cannot_be_read_is_told_of_and_its_last_word_denies(held, ehr, clock):
    ehr.held = {"p1": [wire({"type": "deny"})]}
    await held.look_up(links("p1"))
    clock.now += FRESH + 1
    ehr.error = TimedOut("late")
    known, unknown = await held.look_up(links("p1", "p2"))
    assert [each.provision.permits for each in known.rows] == [False]
    assert unknown.rows == ()
    assert {report.state for each in (known, unknown) for report in each.sources} == {"TIMEOUT"}
    # And is asked again the next time, not half a minute later.
    ehr.error = None
    ehr.held = {}
    (known,) = await held.look_up(links("p1"))
    assert (known.rows, known.sources[0].state) == ((), "OK")


async def test_one_who_gives_up_takes_nobody_with_him(held, ehr):
    impatient = asyncio.create_task(held.look_up(links("p1")))
    await asyncio.sleep(0)
    patient = asyncio.create_task(held.look_up(links("p1")))
    await asyncio.sleep(0)
    impatient.cancel()
    (found,) = await patient
    assert len(found.rows) == 1


def test_what_is_labelled_of_an_unread_source_is_closed_whatever_permits_it():
    permit = Provision(permits=True, labels=("SUD",))
    unread = Directives((permit,), unread=("ehr-a",))
    ruling = rule(unread, CALLER, NOW)
    assert ruling.refusal(LABELLED) == "consent"
    assert ruling.refusal(Record(labels=SUD, sources=frozenset({"ehr-b"}))) is None
    assert ruling.refusal(Record(labels=SUD, sources=frozenset({"ehr-a", "ehr-b"}))) == "consent"
    assert ruling.refusal(Record()) is None
    assert rule(Directives(unread=("ehr-a",)), CALLER, NOW).refusal(Record()) is None
