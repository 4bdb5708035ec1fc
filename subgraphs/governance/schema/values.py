"""What a consent says, as published, and as it is given."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from enum import Enum
from typing import Final

import strawberry

from contract.errors import Code
from subgraphs.connectors.config import SourceConfig
from subgraphs.governance import model
from subgraphs.governance.acting import check_known
from subgraphs.governance.resource import (
    ACT_REASON,
    RESOURCE_TYPES,
    label_system,
    split_code,
)
from subgraphs.runtime import consent
from subgraphs.runtime.access import STAFF
from subgraphs.runtime.consent import actor_key
from subgraphs.runtime.datatypes import FEW, Coding, Period
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.moments import last_moment
from subgraphs.runtime.scalars import DateTime, date_time, instant
from subgraphs.runtime.sensitivity import SENSITIVE

MAX_DEPTH: Final = 4
MAX_RULES: Final = 50
MAX_VALUES: Final = 100
_PERSON: Final = re.compile(r"[a-z][a-z0-9-]*/(Practitioner|RelatedPerson)/[A-Za-z0-9.-]{1,64}")
_ROLES: Final = frozenset({*STAFF, "proxy", "partner-app", "researcher", "integration-engineer"})


@strawberry.enum(description="What a provision does where it holds.")
class ConsentProvisionType(Enum):
    PERMIT = strawberry.enum_value("permit", description="It opens what a label closes.")
    DENY = strawberry.enum_value("deny", description="It closes, whatever else permits.")


@strawberry.enum(description="By what a provision names whom it is about.")
class ConsentActorKind(Enum):
    ORGANIZATION = strawberry.enum_value(
        "organization", description="By the `organization` that their tokens tell."
    )
    PRACTITIONER = strawberry.enum_value(
        "practitioner",
        description="By `source/Practitioner/id`, for example `ehr-a/Practitioner/7`.",
    )
    ROLE = strawberry.enum_value("role", description="By role, for example `clinician`.")
    RELATED_PERSON = strawberry.enum_value(
        "related-person",
        description="By `source/RelatedPerson/id`: a parent, a guardian, another caregiver.",
    )
    CARE_TEAM = strawberry.enum_value(
        "care-team",
        description="`any`: whoever is on an active care team of the patient's, in person or by a "
        "role. Of a consent that a source holds, one team, `source/CareTeam/id`.",
    )
    CLIENT = strawberry.enum_value("client", description="By the client id of their application.")
    UNKNOWN = strawberry.enum_value(
        "unknown", description="Somebody whom no token names: only a deny can mean them."
    )


@strawberry.type(description="Whom a provision is about: who is to see.")
class ConsentActor:
    kind: ConsentActorKind = strawberry.field(description="What the value names.")
    value: str = strawberry.field(description="The name, as tokens tell it.")

    @classmethod
    def of(cls, key: str) -> ConsentActor:
        kind, _, value = key.partition("|")
        return cls(kind=ConsentActorKind(kind), value=value)


@strawberry.type(
    description="A rule of a consent: where each of its conditions is met by any one of its "
    "values, it holds; a condition without values is met. https://hl7.org/fhir/R4/consent.html"
)
class ConsentProvision:
    type: ConsentProvisionType = strawberry.field(description="What it does.")
    period: Period | None = strawberry.field(description="When it holds; always, if null.")
    actors: list[ConsentActor] = strawberry.field(
        directives=[FEW], description="Who is to see, or is not."
    )
    sources: list[str] = strawberry.field(
        directives=[FEW], description="The ids of the sources whose records it is about."
    )
    purposes: list[Coding] = strawberry.field(
        directives=[FEW],
        description="What for, narrower purposes included: "
        "https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html",
    )
    security_labels: list[Coding] = strawberry.field(
        directives=[FEW],
        description="The sensitive classes it is about: codes of v3-ActCode or v3-Confidentiality. "
        "A label that no permit names stays closed.",
    )
    classes: list[Coding] = strawberry.field(
        directives=[FEW],
        description="FHIR resource types, such as `Observation`: http://hl7.org/fhir/resource-types",
    )
    codes: list[Coding] = strawberry.field(
        directives=[FEW], description="What the records are about, as codes of any system."
    )
    exceptions: list[ConsentProvision] = strawberry.field(
        directives=[FEW], description="Rules that take its place where they hold."
    )

    @classmethod
    def of(cls, rule: consent.Provision) -> ConsentProvision:
        period = Period(start=date_time(rule.start), end=date_time(rule.end))
        return cls(
            type=ConsentProvisionType.PERMIT if rule.permits else ConsentProvisionType.DENY,
            period=period if rule.start or rule.end else None,
            actors=[ConsentActor.of(key) for key in rule.recipients],
            sources=list(rule.custodians),
            purposes=[_coding(ACT_REASON, code) for code in rule.purposes],
            security_labels=[_coding(label_system(code), code) for code in rule.labels],
            classes=[_coding(RESOURCE_TYPES, code) for code in rule.types],
            codes=[_coding(*split_code(code)) for code in rule.codes],
            exceptions=[cls.of(each) for each in rule.exceptions],
        )


@strawberry.type(description="Somebody, as their token told.")
class AccessActor:
    subject: str = strawberry.field(description="The subject of the token.")
    roles: list[str] = strawberry.field(description="The roles it carried.")
    client: str | None = strawberry.field(description="The client it was issued to.")
    organization: str | None = strawberry.field(description="The organization it named.")

    @classmethod
    def of(cls, author: model.Author) -> AccessActor:
        return cls(
            subject=author.subject,
            roles=list(author.roles),
            client=author.client or None,
            organization=author.organization,
        )


@strawberry.input(description="Whom a provision is about: who is to see.")
class ConsentActorInput:
    kind: ConsentActorKind = strawberry.field(description="What the value names; not `UNKNOWN`.")
    value: str = strawberry.field(description="The name, as tokens tell it.")


@strawberry.input(description="What records are about.")
class ConsentCodeInput:
    code: str = strawberry.field(description="The code.")
    system: str | None = strawberry.field(
        default=None, description="The URI of its system; any system, if left out."
    )


@strawberry.input(description="When a provision holds: an open end is left out.")
class ConsentPeriodInput:
    start: DateTime | None = strawberry.field(default=None, description="Inclusive.")
    end: DateTime | None = strawberry.field(
        default=None, description="Inclusive; of a day, a month or a year its end, in UTC."
    )


@strawberry.input(
    description="A rule of a consent: where each of its conditions is met by any one of its "
    "values, it holds; a condition that is left out is met."
)
class ConsentProvisionInput:
    type: ConsentProvisionType = strawberry.field(description="What it does.")
    period: ConsentPeriodInput | None = strawberry.field(default=None, description="When.")
    actors: list[ConsentActorInput] = strawberry.field(
        default_factory=list, description="Who is to see, or is not."
    )
    sources: list[str] = strawberry.field(
        default_factory=list, description="The ids of the sources whose records it is about."
    )
    purposes: list[str] = strawberry.field(
        default_factory=list, description="Codes of v3-PurposeOfUse, for example `TREAT`."
    )
    security_labels: list[str] = strawberry.field(
        default_factory=list,
        description="Codes of v3-ActCode or v3-Confidentiality, for example `42CFRPart2`.",
    )
    classes: list[str] = strawberry.field(
        default_factory=list, description="FHIR resource types, for example `Observation`."
    )
    codes: list[ConsentCodeInput] = strawberry.field(
        default_factory=list, description="What the records are about."
    )
    exceptions: list[ConsentProvisionInput] = strawberry.field(
        default_factory=list,
        description="Rules that take its place where they hold: four levels, fifty rules at most.",
    )


def provision_of(
    given: ConsentProvisionInput, configured: Sequence[SourceConfig]
) -> consent.Provision:
    """What is given, if all of it means something; else `ClientError`."""
    if _count(given, 1) > MAX_RULES:
        raise ClientError(Code.BAD_USER_INPUT, argument="provision", maximum=MAX_RULES)
    return _provision(given, {source.id for source in configured})


def _count(given: ConsentProvisionInput, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise ClientError(Code.BAD_USER_INPUT, argument="provision", deepest=MAX_DEPTH)
    return 1 + sum(_count(each, depth + 1) for each in given.exceptions)


def _provision(given: ConsentProvisionInput, sources: set[str]) -> consent.Provision:
    check_known("sources", given.sources, sources)
    check_known("purposes", given.purposes, consent.PURPOSES)
    check_known("securityLabels", given.security_labels, SENSITIVE)
    check_known("classes", given.classes, filter(_is_resource_type, given.classes))
    codes = tuple(
        f"{each.system}|{each.code}" if each.system else each.code for each in given.codes
    )
    recipients = tuple(map(_actor, given.actors))
    for argument, values in {"actors": recipients, "codes": codes}.items():
        if len(values) > MAX_VALUES or not all(values):
            raise ClientError(Code.BAD_USER_INPUT, argument=argument, maximum=MAX_VALUES)
    start, end = (given.period.start, given.period.end) if given.period else (None, None)
    if start and end and last_moment(end) < instant(start):
        raise ClientError(Code.BAD_USER_INPUT, argument="period")
    return consent.Provision(
        permits=given.type is ConsentProvisionType.PERMIT,
        start=start,
        end=end,
        recipients=recipients,
        custodians=tuple(given.sources),
        purposes=tuple(given.purposes),
        labels=tuple(given.security_labels),
        types=tuple(given.classes),
        codes=codes,
        exceptions=tuple(_provision(each, sources) for each in given.exceptions),
    )


def _actor(given: ConsentActorInput) -> str:
    named = given.value.strip()
    match given.kind:
        case ConsentActorKind.ROLE:
            known = named in _ROLES
        case ConsentActorKind.PRACTITIONER | ConsentActorKind.RELATED_PERSON:
            found = _PERSON.fullmatch(named)
            type_ = "Practitioner" if given.kind.value == "practitioner" else "RelatedPerson"
            known = found is not None and found[1] == type_
        case ConsentActorKind.CARE_TEAM:
            known = named == "any"
        case ConsentActorKind.UNKNOWN:
            known = False
        case _:
            known = 0 < len(named) <= MAX_VALUES * 2
    if not known:
        raise ClientError(Code.BAD_USER_INPUT, argument="actors")
    return actor_key(str(given.kind.value), named)


def _is_resource_type(name: str) -> bool:
    """Of FHIR R4."""
    if not re.fullmatch(r"[A-Z][A-Za-z]{2,40}", name):
        return False
    return importlib.util.find_spec(f"fhir.resources.R4B.{name.lower()}") is not None


def _coding(system: str | None, code: str) -> Coding:
    return Coding(system=system, code=code, display=None, version=None)
