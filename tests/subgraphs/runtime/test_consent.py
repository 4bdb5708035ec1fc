"""What provisions mean, condition by condition: HL7's words, and deny beats permit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from contract.context import Caller
from subgraphs.runtime.consent import (
    UNDECIDED,
    UNKNOWN_ACTOR,
    Directives,
    Grant,
    Provision,
    actor_key,
    rule,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CARE = "https://care.example"
CALLER = Caller(
    "c",
    client_id="web",
    issuer="https://login.example",
    roles=("clinician",),
    fhir_user="ehr-a/Practitioner/dr",
    organization=CARE,
)
SUD = frozenset({"R", "SUD", "42CFRPart2"})


@dataclass(frozen=True)
class Record:
    type: str = "Condition"
    labels: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset({"ehr-a"})
    subjects: frozenset[str] = frozenset({"http://snomed.info/sct|75544000"})

    @property
    def tokens(self):
        return {}


def permit(**conditions):
    return Provision(permits=True, **conditions)


def deny(**conditions):
    return Provision(permits=False, **conditions)


def refusal(record, *consents, caller=CALLER, grants=(), now=NOW):
    return rule(Directives(consents, grants), caller, now).refusal(record)


ORDINARY, LABELLED = Record(), Record(labels=SUD)


def test_without_a_consent_labels_close_and_nothing_else():
    assert refusal(ORDINARY) is None
    assert refusal(LABELLED) == "label"


ACTORS = [
    pytest.param(actor_key("organization", CARE), True, id="organization"),
    pytest.param(actor_key("organization", "https://other.example"), False, id="another one"),
    pytest.param(actor_key("practitioner", "ehr-a/Practitioner/dr"), True, id="practitioner"),
    pytest.param(actor_key("practitioner", "ehr-b/Practitioner/dr"), False, id="of another source"),
    pytest.param(actor_key("role", "clinician"), True, id="role"),
    pytest.param(actor_key("role", "nurse"), False, id="another role"),
    pytest.param(actor_key("client", "web"), True, id="client"),
    pytest.param(actor_key("client", "clinician"), False, id="a client named like a role"),
]


@pytest.mark.parametrize(("actor", "is_meant"), ACTORS)
def test_actors(actor, is_meant):
    named = {"recipients": (actor,)}
    assert refusal(LABELLED, permit(labels=("SUD",), **named)) == (None if is_meant else "label")
    assert refusal(ORDINARY, deny(**named)) == ("consent" if is_meant else None)


def test_an_actor_nobody_knows_is_meant_by_a_deny_alone():
    named = {"recipients": (UNKNOWN_ACTOR,)}
    assert refusal(LABELLED, permit(labels=("SUD",), **named)) == "label"
    assert refusal(ORDINARY, deny(**named)) == "consent"


def test_what_cannot_be_decided_denies():
    assert refusal(LABELLED, permit(labels=("SUD",), undecidable=True)) == "label"
    assert refusal(ORDINARY, deny(undecidable=True)) == "consent"


@pytest.mark.parametrize(
    ("asked", "named", "is_meant"),
    [
        ("TREAT", "TREAT", True),
        ("ETREAT", "TREAT", True),
        ("TREAT", "ETREAT", False),
        ("HPAYMT", "TREAT", False),
        ("COVAUTH", "HPAYMT", True),
        ("HRESCH", "HRESCH", True),
    ],
)
def test_a_purpose_means_the_narrower_ones_too(asked, named, is_meant):
    caller = Caller("c", roles=("clinician",), purpose=asked)
    allowed = permit(labels=("SUD",), purposes=(named,))
    assert refusal(LABELLED, allowed, caller=caller) == (None if is_meant else "label")
    closed = deny(purposes=(named,))
    assert refusal(ORDINARY, closed, caller=caller) == ("consent" if is_meant else None)


@pytest.mark.parametrize(
    ("start", "end", "is_now"),
    [
        (None, None, True),
        ("2026-11-22", None, True),
        ("2026-11-22T12:00:01Z", None, False),
        (None, "2026-11-22", True),
        (None, "2026-11", True),
        (None, "2026", True),
        (None, "9999", True),
        (None, "9999-12-31", True),
        (None, "2026-11-22T11:59:59Z", False),
        (None, "2026-11-21", False),
        ("2026-12", None, False),
        ("2026-11-22T14:00:00+02:00", "2026-11-22T14:00:00+02:00", True),
    ],
)
def test_periods_are_inclusive(start, end, is_now):
    allowed = permit(labels=("SUD",), start=start, end=end)
    assert refusal(LABELLED, allowed) == (None if is_now else "label")
    assert refusal(ORDINARY, deny(start=start, end=end)) == ("consent" if is_now else None)


LABELS = [
    ({"SUD"}, ("SUD",), True),
    ({"R", "42CFRPart2", "ETH"}, ("42CFRPart2",), True),
    ({"R", "42CFRPart2", "ETH"}, ("SUD",), True),
    ({"42CFRPart2"}, ("42CFRPart2",), True),
    ({"OPIOIDUD", "42CFRPart2"}, ("OPIOIDUD",), True),
    ({"OPIOIDUD", "ALC"}, ("OPIOIDUD",), False),
    ({"SUD", "HIV"}, ("SUD",), False),
    ({"SUD", "HIV"}, ("SUD", "HIV"), True),
    ({"SUD"}, (), False),
    ({"R"}, ("SUD",), False),
    ({"R"}, ("R",), True),
    ({"R", "HIV"}, ("R",), False),
    ({"V", "HIV"}, ("HIV",), False),
    ({"PSY"}, ("MH",), True),
    ({"PSYTHPN"}, ("MH",), False),
    ({"PSYTHPN"}, ("PSYTHPN",), True),
]


@pytest.mark.parametrize(("labels", "named", "is_open"), LABELS)
def test_every_class_has_to_be_named(labels, named, is_open):
    record = Record(labels=frozenset(labels))
    assert refusal(record, permit(labels=named)) == (None if is_open else "label")


def test_two_consents_may_each_open_one_of_two_labels():
    both = Record(labels=frozenset({"SUD", "HIV"}))
    assert refusal(both, permit(labels=("SUD",)), permit(labels=("HIV",))) is None


def test_a_deny_beats_every_permit():
    opened = permit(labels=("SUD",))
    assert refusal(LABELLED, opened, deny()) == "consent"
    assert refusal(LABELLED, deny(labels=("42CFRPart2",)), opened) == "consent"
    assert refusal(ORDINARY, deny(labels=("42CFRPart2",)), opened) is None


@pytest.mark.parametrize(
    ("condition", "is_meant"),
    [
        ({"types": ("Condition",)}, True),
        ({"types": ("Observation",)}, False),
        ({"custodians": ("ehr-a",)}, True),
        ({"custodians": ("ehr-b",)}, False),
        ({"codes": ("75544000",)}, True),
        ({"codes": ("http://snomed.info/sct|75544000",)}, True),
        ({"codes": ("http://loinc.org|75544000",)}, False),
    ],
)
def test_what_records_are(condition, is_meant):
    opened = permit(labels=("SUD",), **condition)
    assert refusal(LABELLED, opened) == (None if is_meant else "label")
    assert refusal(ORDINARY, deny(**condition)) == ("consent" if is_meant else None)


def test_a_fact_of_two_sources_is_open_where_both_are_and_closed_where_one_is():
    shared = Record(labels=SUD, sources=frozenset({"ehr-a", "ehr-b"}))
    one, both = ("ehr-a",), ("ehr-a", "ehr-b")
    assert refusal(shared, permit(labels=("SUD",), custodians=one)) == "label"
    assert refusal(shared, permit(labels=("SUD",), custodians=both)) is None
    ordinary = Record(sources=frozenset(both))
    assert refusal(ordinary, deny(custodians=one)) == "consent"


def test_exceptions_take_the_rule_s_place():
    mine = actor_key("organization", CARE)
    only_care = deny(exceptions=(permit(recipients=(mine,)),))
    assert refusal(ORDINARY, only_care) is None
    assert refusal(ORDINARY, only_care, caller=Caller("x", roles=("clinician",))) == "consent"
    assert refusal(LABELLED, only_care) == "label"
    named = deny(exceptions=(permit(recipients=(mine,), labels=("SUD",)),))
    assert refusal(LABELLED, named) is None
    assert refusal(ORDINARY, named) == "consent"
    but_visits = permit(labels=("SUD",), exceptions=(deny(types=("Encounter",)),))
    assert refusal(LABELLED, but_visits) is None
    assert refusal(Record("Encounter", SUD), but_visits) == "consent"
    deeper = permit(
        labels=("SUD",),
        exceptions=(deny(exceptions=(permit(types=("Condition",)),)),),
    )
    assert refusal(LABELLED, deeper) is None
    assert refusal(Record("Encounter", SUD), deeper) == "consent"


def test_of_exceptions_that_hold_the_deny_counts():
    torn = deny(exceptions=(permit(types=("Condition",)), deny(codes=("75544000",))))
    assert refusal(ORDINARY, torn) == "consent"


def test_that_there_is_such_a_person_is_closed_only_where_it_is_said():
    person = Record("Patient")
    assert refusal(person, deny()) is None
    assert refusal(person, deny(types=("Patient",))) == "consent"
    assert refusal(Record("Patient", frozenset({"R"})), permit(labels=("R",))) is None


@pytest.mark.parametrize("type_", ["Consent", "AuditEvent"])
def test_no_consent_hides_itself_or_who_saw_what(type_):
    assert refusal(Record(type_), deny()) is None


def test_broken_glass_is_for_one_caller_one_purpose_and_a_while():
    grant = Grant("g", "https://login.example", "c", NOW.timestamp() + 60)
    emergency = Caller("c", issuer="https://login.example", purpose="ETREAT")
    directives = Directives((), (grant,))
    assert rule(directives, emergency, NOW).grant == "g"
    assert rule(directives, CALLER, NOW).grant is None
    other = Caller("d", issuer="https://login.example", purpose="ETREAT")
    assert rule(directives, other, NOW).grant is None
    elsewhere = Caller("c", issuer="https://elsewhere.example", purpose="ETREAT")
    assert rule(directives, elsewhere, NOW).grant is None
    over = Directives((), (Grant("g", "https://login.example", "c", NOW.timestamp()),))
    assert rule(over, emergency, NOW).grant is None


def test_what_is_not_known_is_closed():
    assert UNDECIDED.refusal(ORDINARY) == "consent"
    assert UNDECIDED.refusal(Record("Consent")) == "consent"
