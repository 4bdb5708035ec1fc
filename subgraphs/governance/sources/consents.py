"""The consents that a FHIR server holds: its `Consent` resources, as they come over the wire.

https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from subgraphs.governance.model import ConsentStatus
from subgraphs.runtime.fhir import (
    CodeableConcept,
    Coding,
    Element,
    Identifier,
    PatientSearch,
    Period,
    Reference,
    Resource,
    search_patients,
)
from subgraphs.runtime.gathering import Answer

ORGANIZATION: Final = "Organization"
RECIPIENTS: Final = frozenset({"IRCP", "PRCP", "PROV", "GRANTEE", "DELEGATEE", "AGNT"})
"""Roles of an actor who is to see. https://hl7.org/fhir/R4/valueset-security-role-type.html"""
_URI_SYSTEM: Final = "urn:ietf:rfc:3986"


class ConsentActor(Element, frozen=True):
    role: CodeableConcept | None = None
    reference: Reference | None = None

    @property
    def is_recipient(self) -> bool:
        return self.role is None or self.role.code in RECIPIENTS


class ConsentData(Element, frozen=True):
    meaning: str | None = None
    reference: Reference | None = None


class Rule(Element, frozen=True):
    """`Consent.provision`"""

    type: str | None = None
    period: Period | None = None
    actor: tuple[ConsentActor, ...] = ()
    action: tuple[CodeableConcept, ...] = ()
    security_label: tuple[Coding, ...] = ()
    purpose: tuple[Coding, ...] = ()
    class_: tuple[Coding, ...] = msgspec.field(name="class", default=())
    code: tuple[CodeableConcept, ...] = ()
    data_period: Period | None = None
    data: tuple[ConsentData, ...] = ()
    provision: tuple[Rule, ...] = ()
    modifier_extension: tuple[Any, ...] = ()

    def recipients(self) -> Iterable[Reference]:
        """Everyone who is to see, by this rule or by one within it."""
        for actor in self.actor:
            if actor.is_recipient and actor.reference is not None:
                yield actor.reference
        for each in self.provision:
            yield from each.recipients()


class ConsentResource(Resource, frozen=True, kw_only=True):
    status: ConsentStatus
    scope: CodeableConcept | None = None
    patient: Reference | None = None
    date_time: str | None = None
    organization: tuple[Reference, ...] = ()
    """Who keeps it."""
    policy_rule: CodeableConcept | None = None
    provision: Rule | None = None
    modifier_extension: tuple[Any, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.patient


class _Organization(Resource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()


class ConsentSource(Protocol):
    base: str
    """The source's own URL, without a slash at its end."""

    async def consents(self, patients: Sequence[str]) -> Answer[ConsentResource]: ...

    async def organizations(self, ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The URIs by which each is known elsewhere; leaves out whoever has none."""
        ...


class Server(PatientSearch, Protocol):
    async def read(
        self, resource_type: str, ids: Iterable[str]
    ) -> Mapping[str, Mapping[str, Any]]: ...


class FhirConsents:
    def __init__(self, server: Server, base: str) -> None:
        self.base = base.rstrip("/")
        self._server = server

    async def consents(self, patients: Sequence[str]) -> Answer[ConsentResource]:
        return await search_patients(self._server, "Consent", ConsentResource, patients)

    async def organizations(self, ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        found = await self._server.read(ORGANIZATION, ids)
        named: dict[str, tuple[str, ...]] = {}
        for id_, resource in found.items():
            try:
                identifiers = msgspec.convert(resource, _Organization).identifier
            except msgspec.ValidationError:
                continue
            if uris := tuple(uri for each in identifiers if (uri := uri_of(each))):
                named[id_] = uris
        return named


def uri_of(identifier: Identifier | None) -> str | None:
    """An identifier that is a URI, as tokens name an organization by one."""
    value = (identifier and identifier.value) or ""
    is_uri = "://" in value or value.startswith("urn:")
    return value if is_uri and identifier and identifier.system in (None, _URI_SYSTEM) else None
