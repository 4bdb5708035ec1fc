"""A consent that a source holds, as the provision it means here; pure.

What it says is about that source's own records, whatever it names besides: a patient who directs a
hospital has not directed another. What cannot be read of a condition counts as met for a deny and
as unmet for a permit, as everywhere (`runtime.consent`).

The base policy (`policyRule`) holds where the provision does not: an OPTOUT closes all that no
provision permits. An OPTIN opens nothing by itself, as a permit without labels does.
https://hl7.org/fhir/R4/consent.html#ppc-1
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from subgraphs.governance.resource import ACT_REASON, RESOURCE_TYPES
from subgraphs.governance.sources.consents import (
    ORGANIZATION,
    ConsentActor,
    ConsentData,
    ConsentResource,
    Rule,
    uri_of,
)
from subgraphs.runtime.consent import CARE_TEAM, UNKNOWN_ACTOR, Provision, actor_key
from subgraphs.runtime.fhir import CodeableConcept, Coding, Period, Reference
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.sensitivity import SENSITIVE

MAX_DEPTH: Final = 8
"""Rules within rules; whatever lies deeper is taken for a deny."""
_PRIVACY: Final = "patient-privacy"
_OTHER_SCOPES: Final = frozenset({"adr", "research", "treatment"})
"""https://hl7.org/fhir/R4/valueset-consent-scope.html"""
_BASES: Final = {"OPTIN": True, "OPTINR": True, "OPTOUT": False, "OPTOUTE": False}
_TYPES: Final = {"permit": True, "deny": False}
_SEEING: Final = frozenset({"access", "use", "disclose"})
_OTHER_ACTIONS: Final = frozenset({"collect", "correct"})
"""https://hl7.org/fhir/R4/valueset-consent-action.html"""
_CUSTODIAN: Final = "CST"
_RESOURCE_TYPE: Final = re.compile(r"[A-Z][A-Za-z]{2,40}")
_TYPE_SYSTEMS: Final = (None, RESOURCE_TYPES, "http://hl7.org/fhir/fhir-types")
_ACTORS: Final = {
    "Practitioner": "practitioner",
    "RelatedPerson": "related-person",
    "CareTeam": CARE_TEAM,
}


@dataclass(frozen=True, slots=True)
class Holder:
    """The source that holds a consent, and whom it knows by which URIs."""

    source: str
    base: str
    organizations: Mapping[str, tuple[str, ...]]


def is_about_privacy(consent: ConsentResource) -> bool:
    """Whether it is a directive about who may see: also where its scope cannot be read."""
    return _scope_of(consent) not in _OTHER_SCOPES


def provision_of(consent: ConsentResource, holder: Holder) -> Provision:
    rule = consent.provision or Rule()
    base = _BASES.get((consent.policy_rule and consent.policy_rule.code) or "")
    permits = _TYPES.get(rule.type or "", base is not False if rule.type is None else False)
    keepers = (own_id(each, ORGANIZATION, holder.base) for each in consent.organization)
    reader = _Reader(holder, frozenset(id_ for id_ in keepers if id_ is not None))
    read = reader.rule(rule, 1, permits=permits)
    if read is None:
        read = Provision(permits=True)
    elif base is False and permits:
        read = Provision(permits=False, exceptions=(read,))
    unclear = bool(consent.modifier_extension) or _scope_of(consent) != _PRIVACY
    return msgspec.structs.replace(
        read, custodians=(holder.source,), undecidable=read.undecidable or unclear
    )


def named_organizations(consents: Iterable[ConsentResource], base: str) -> frozenset[str]:
    """The ids of the source's organizations that are to see, or not."""
    rules = (each.provision for each in consents if each.provision is not None)
    references = (reference for rule in rules for reference in rule.recipients())
    found = (own_id(reference, ORGANIZATION, base) for reference in references)
    return frozenset(id_ for id_ in found if id_ is not None)


def own_id(reference: Reference | None, type_: str, base: str) -> str | None:
    """The id of a resource of the source itself; None for one of any other server."""
    if reference is None:
        return None
    url = reference.reference or ""
    if "://" in url and not url.startswith(f"{base}/{type_}/"):
        return None
    return reference.id_of(type_)


def _scope_of(consent: ConsentResource) -> str | None:
    return consent.scope.code if consent.scope else None


@dataclass(frozen=True, slots=True)
class _Reader:
    holder: Holder
    keepers: frozenset[str]
    """The ids of those who keep the consent: all of the source is theirs."""

    def rule(self, rule: Rule, depth: int, *, permits: bool) -> Provision | None:
        """None for one that is about something else than seeing."""
        actions = {concept.code for concept in rule.action}
        if actions and actions <= _OTHER_ACTIONS:
            return None
        types = _Condition.of(map(_type_of, rule.class_), permits=permits)
        data = _about(rule.data, types, permits=permits)
        if data is None:
            return None
        start, end, timed = _moments(rule.period)
        purposes = _Condition.of(map(_purpose_of, rule.purpose), permits=permits)
        labels = _Condition.of(map(_label_of, rule.security_label), permits=permits)
        codes = _Condition.of(
            (token for each in rule.code for token in _tokens_of(each)), permits=permits
        )
        conditions = (types, data, purposes, labels, codes)
        unclear = (
            bool(rule.modifier_extension)
            or rule.data_period is not None
            or not timed
            or bool(actions and actions.isdisjoint(_SEEING))
            or any(self._is_unclear(actor) for actor in rule.actor)
        )
        return Provision(
            permits=permits,
            start=start,
            end=end,
            recipients=tuple(
                dict.fromkeys(
                    key
                    for actor in rule.actor
                    if actor.is_recipient
                    for key in self._keys_of(actor.reference)
                )
            ),
            purposes=purposes.values,
            labels=labels.values,
            types=data.values,
            codes=codes.values,
            undecidable=unclear or any(each.unclear for each in conditions),
            exceptions=self._exceptions(rule.provision, depth),
        )

    def _exceptions(self, rules: Sequence[Rule], depth: int) -> tuple[Provision, ...]:
        if rules and depth >= MAX_DEPTH:
            return (Provision(permits=False),)
        # A rule that does not say what it does is taken for a deny.
        read = (
            self.rule(each, depth + 1, permits=_TYPES.get(each.type or "", False)) for each in rules
        )
        return tuple(each for each in read if each is not None)

    def _is_unclear(self, actor: ConsentActor) -> bool:
        """Whether it names more than who is to see: a part of the source, an author, …."""
        if actor.is_recipient:
            return False
        assert actor.role is not None, "without a role it is a recipient"
        custodian = own_id(actor.reference, ORGANIZATION, self.holder.base)
        return actor.role.code != _CUSTODIAN or custodian not in self.keepers

    def _keys_of(self, reference: Reference | None) -> tuple[str, ...]:
        if reference is None:
            return (UNKNOWN_ACTOR,)
        base = self.holder.base
        organization = own_id(reference, ORGANIZATION, base)
        uris = self.holder.organizations.get(organization or "", ())
        if not uris and reference.resource_type == ORGANIZATION and not reference.reference:
            uris = tuple(filter(None, [uri_of(reference.identifier)]))
        if uris:
            return tuple(actor_key("organization", uri) for uri in uris)
        for type_, kind in _ACTORS.items():
            id_ = own_id(reference, type_, base)
            if id_ is not None:
                return (actor_key(kind, f"{self.holder.source}/{type_}/{id_}"),)
        return (UNKNOWN_ACTOR,)


@dataclass(frozen=True, slots=True)
class _Condition:
    """What a rule asks of a record or a caller, any one of these; none is no condition."""

    values: tuple[str, ...]
    unclear: bool = False

    @classmethod
    def of(cls, read: Iterable[str | None], *, permits: bool) -> _Condition:
        """A value that cannot be read is met by everything for a deny, by nothing for a permit."""
        given = dict.fromkeys(read)
        known = tuple(value for value in given if value is not None)
        if None not in given or (permits and known):
            return cls(known)
        return cls((), unclear=True)


def _about(data: Sequence[ConsentData], types: _Condition, *, permits: bool) -> _Condition | None:
    """The types of records that a rule can be about that names records; None for no type at all.

    Which of that type, no record tells here: for a deny it is any.
    """
    if not data:
        return types
    if permits:
        return _Condition(types.values, unclear=True)
    named = {
        each.reference.resource_type if each.meaning == "instance" and each.reference else None
        for each in data
    }
    if None in named:
        return types
    narrowed = tuple(sorted(name for name in named if name and name in (types.values or named)))
    return _Condition(narrowed, types.unclear) if narrowed else None


def _moments(period: Period | None) -> tuple[str | None, str | None, bool]:
    """Start and end, as far as they can be read, and whether both could."""
    if period is None:
        return None, None, True
    start, end = (text if rank(text) else None for text in (period.start, period.end))
    return start, end, (start, end) == (period.start, period.end)


def _type_of(coding: Coding) -> str | None:
    named = coding.code or ""
    is_type = coding.system in _TYPE_SYSTEMS and _RESOURCE_TYPE.fullmatch(named)
    return named if is_type else None


def _purpose_of(coding: Coding) -> str | None:
    return coding.code if coding.system in (None, ACT_REASON) and coding.code else None


def _label_of(coding: Coding) -> str | None:
    return coding.code if coding.code in SENSITIVE else None


def _tokens_of(concept: CodeableConcept) -> Iterable[str | None]:
    tokens = [coding.token for coding in concept.coding if coding.system and coding.code]
    return tokens or [None]
