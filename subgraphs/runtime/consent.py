"""What a patient has directed, and what it means for one caller at one moment; pure.

A provision is a rule with exceptions, as in a FHIR Consent: it holds where each of its conditions
is met by any one of its values, and an exception that holds within it takes its place. Of several
consents, and of several exceptions, a deny beats a permit.

What cannot be decided (an actor nobody here knows, a condition on a record's own dates) counts as
met for a deny and as unmet for a permit. https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final, Protocol

import msgspec

from contract.context import Caller
from subgraphs.runtime.moments import last_moment
from subgraphs.runtime.scalars import instant
from subgraphs.runtime.scopes import Tokens
from subgraphs.runtime.sensitivity import SENSITIVE, closing, covered

EMERGENCY: Final = "ETREAT"
"""The purpose under which glass is broken."""
PATIENT: Final = "Patient"
GOVERNED: Final = frozenset({"Consent", "AuditEvent"})
"""What stands about the record itself: no consent hides it from those who answer for it."""

_BROADER: Final[Mapping[str, str]] = {
    # https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html
    EMERGENCY: "TREAT",
    "CAREMGT": "TREAT",
    "CLMATTCH": "HPAYMT",
    "COVAUTH": "HPAYMT",
    "HCOMPL": "HOPERAT",
    "HSYSADMIN": "HOPERAT",
    "FAMRQT": "PATRQT",
}
PURPOSES: Final = frozenset({*_BROADER, *_BROADER.values(), "HRESCH"})
"""Those that roles may have (docs/authorization.md)."""


class Labelled(Protocol):
    """What the decision needs of any record."""

    @property
    def type(self) -> str: ...

    @property
    def tokens(self) -> Tokens: ...

    @property
    def labels(self) -> frozenset[str]: ...


class Described(Labelled, Protocol):
    """And of a patient's, which a consent may be about."""

    @property
    def sources(self) -> frozenset[str]:
        """Every source that says anything of it."""
        ...

    @property
    def subjects(self) -> frozenset[str]:
        """What it is about, each as `system|code`."""
        ...


class Provision(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule; a condition that names nothing is met."""

    permits: bool
    start: str | None = None
    """When it begins and ends, both inclusive, as FHIR writes dates and times."""
    end: str | None = None
    recipients: tuple[str, ...] = ()
    """Who is to see: `actor_key`s."""
    custodians: tuple[str, ...] = ()
    """Ids of the sources whose records it is about."""
    purposes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """FHIR resource types."""
    codes: tuple[str, ...] = ()
    """Each as `code` or as `system|code`."""
    undecidable: bool = False
    """It has a condition that nobody here can decide."""
    exceptions: tuple[Provision, ...] = ()


class Grant(msgspec.Struct, frozen=True):
    """Broken glass: what is closed of one patient is open to one caller for a while."""

    id: str
    issuer: str
    subject: str
    until: float
    """Seconds since 1970."""


class Directives(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that stands about one patient now."""

    consents: tuple[Provision, ...] = ()
    grants: tuple[Grant, ...] = ()
    unread: tuple[str, ...] = ()
    """The sources that hold consents of the patient's, perhaps, and could not be asked."""


NO_DIRECTIVES: Final = Directives()


class Verdict(Enum):
    PERMIT = auto()
    DENY = auto()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the directives mean for one caller; `consents` are those that can concern the caller."""

    consents: tuple[Provision, ...] = ()
    grant: str | None = None
    """The id of the grant under which the caller sees what is closed."""
    undecided: bool = False
    """What was directed is not known, so nothing is open."""
    unread: frozenset[str] = frozenset()
    """Sources of whose consents nobody knows: what is labelled among their records is closed."""

    def refusal(self, record: Described) -> str | None:
        """Why the record is closed: by `consent`, by `label`; None where it is open."""
        if self.undecided:
            return "consent"
        if record.type in GOVERNED:
            return None
        labels = record.labels
        if not self.consents and not self.unread:
            return None if labels.isdisjoint(SENSITIVE) else "label"
        if self._is_denied(record, labels):
            return "consent"
        for label in closing(labels):
            opened = (_judge(each, record, labels, label) for each in self.consents)
            if Verdict.PERMIT not in opened:
                return "label"
        return None

    def _is_denied(self, record: Described, labels: frozenset[str]) -> bool:
        # Whatever permits it, a source that could not be asked may hold a deny.
        is_unread = bool(self.unread) and not record.sources.isdisjoint(self.unread)
        if is_unread and not labels.isdisjoint(SENSITIVE):
            return True
        return any(_judge(each, record, labels) is Verdict.DENY for each in self.consents)


UNDECIDED: Final = Ruling(undecided=True)
UNDIRECTED: Final = Ruling()
"""Where nothing was directed: labels close, and nothing else does."""


CARE_TEAM: Final = "care-team"
"""The kind of an actor that governance puts the members of a team beside: no token names it."""


def actor_key(kind: str, value: str) -> str:
    """`role|clinician`, `client|app-1`, `organization|…`, `practitioner|ehr-a/Practitioner/1`,
    `related-person|ehr-a/RelatedPerson/1`."""
    return f"{kind}|{value}"


UNKNOWN_ACTOR: Final = actor_key("unknown", "")
"""Somebody, but nobody whom a token could name."""


def rule(directives: Directives, caller: Caller, now: datetime) -> Ruling:
    """What the directives mean for this caller now."""
    if directives is NO_DIRECTIVES:
        return UNDIRECTED
    keys, purposes = _keys_of(caller), _purposes_of(caller)
    bound = (_bind(consent, keys, purposes, now) for consent in directives.consents)
    consents = tuple(consent for consent in bound if consent is not None)
    grant = _grant_of(directives.grants, caller, now)
    return Ruling(consents, grant, unread=frozenset(directives.unread))


def _grant_of(grants: Iterable[Grant], caller: Caller, now: datetime) -> str | None:
    if caller.purpose != EMERGENCY:
        return None
    whose = (caller.issuer, caller.subject)
    return next(
        (
            grant.id
            for grant in grants
            if (grant.issuer, grant.subject) == whose and now.timestamp() < grant.until
        ),
        None,
    )


def _bind(
    provision: Provision, keys: frozenset[str], purposes: frozenset[str], now: datetime
) -> Provision | None:
    """What is left to be asked of a record; None where the caller or the moment is another."""
    if not _is_current(provision, now) or not _meets(provision.purposes, purposes):
        return None
    undecidable = provision.undecidable
    if not _meets(provision.recipients, keys):
        if UNKNOWN_ACTOR not in provision.recipients:
            return None
        undecidable = True
    bound = (_bind(each, keys, purposes, now) for each in provision.exceptions)
    exceptions = tuple(each for each in bound if each is not None)
    return msgspec.structs.replace(provision, undecidable=undecidable, exceptions=exceptions)


def _meets(wanted: Iterable[str], held: frozenset[str]) -> bool:
    return not wanted or not held.isdisjoint(wanted)


def _is_current(provision: Provision, now: datetime) -> bool:
    if provision.start is not None and now < instant(provision.start):
        return False
    return provision.end is None or now <= last_moment(provision.end)


def _judge(
    provision: Provision, record: Described, labels: frozenset[str], label: str | None = None
) -> Verdict | None:
    """Of a bound provision; None where it says nothing of the record.

    With a `label`, what it says of seeing what that label closes: only a permit that names it, or
    stands within one that does, opens that.
    """
    if not _is_about(provision, record, labels, label):
        return None
    named = provision.permits and label in covered(provision.labels)
    inner = None if named else label
    said = {_judge(each, record, labels, inner) for each in provision.exceptions}
    if Verdict.DENY in said:
        return Verdict.DENY
    if provision.permits and provision.undecidable:
        # It opens nothing, though what it denies within itself may hold.
        return None
    return Verdict.PERMIT if provision.permits or Verdict.PERMIT in said else Verdict.DENY


def _is_about(
    provision: Provision, record: Described, labels: frozenset[str], label: str | None
) -> bool:
    if provision.types:
        if record.type not in provision.types:
            return False
    elif record.type == PATIENT and not provision.permits:
        # That there is such a person is denied only where a consent says so.
        return False
    if provision.permits and label is not None:
        if label not in covered(provision.labels):
            return False
    elif provision.labels and labels.isdisjoint(covered(provision.labels)):
        return False
    if provision.custodians and not _from_those(provision, record):
        return False
    return not provision.codes or any(
        subject in provision.codes or subject.rpartition("|")[2] in provision.codes
        for subject in record.subjects
    )


def _from_those(provision: Provision, record: Described) -> bool:
    """A fact of several sources is permitted where all of them are, and denied where any is."""
    if provision.permits:
        return bool(record.sources) and record.sources <= frozenset(provision.custodians)
    return not record.sources.isdisjoint(provision.custodians)


def _keys_of(caller: Caller) -> frozenset[str]:
    keys = {actor_key("role", role) for role in caller.roles}
    if caller.client_id:
        keys.add(actor_key("client", caller.client_id))
    if caller.organization:
        keys.add(actor_key("organization", caller.organization))
    if caller.fhir_user:
        type_ = caller.fhir_user.rpartition("/")[0].rpartition("/")[2]
        kind = "related-person" if type_ == "RelatedPerson" else "practitioner"
        keys.add(actor_key(kind, caller.fhir_user))
    return frozenset(keys)


def _purposes_of(caller: Caller) -> frozenset[str]:
    broader = _BROADER.get(caller.purpose)
    return frozenset({caller.purpose} | ({broader} if broader else set()))
