"""What governance keeps: consents in all their versions, broken glass, and what was disclosed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from contract.access import GlassUse, Refusal
from contract.context import Caller
from subgraphs.runtime.consent import Provision
from subgraphs.runtime.crosswalk import Link


class ConsentStatus(StrEnum):
    """https://hl7.org/fhir/R4/valueset-consent-state-codes.html"""

    DRAFT = "draft"
    PROPOSED = "proposed"
    ACTIVE = "active"
    REJECTED = "rejected"
    INACTIVE = "inactive"
    ENTERED_IN_ERROR = "entered-in-error"


class Author(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who did something, as the token told."""

    subject: str
    issuer: str = ""
    client: str = ""
    roles: tuple[str, ...] = ()
    organization: str | None = None
    user: str | None = None
    """The author's own FHIR resource, as `source/Type/id`."""

    @classmethod
    def of(cls, caller: Caller) -> Author:
        return cls(
            caller.subject,
            caller.issuer,
            caller.client_id,
            caller.roles,
            caller.organization,
            caller.fhir_user,
        )


class Consent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version of a consent."""

    id: str
    version: int
    """1, 2, 3, …"""
    patient: Link
    """The record of the patient it was given for: it holds for whomever that record is of."""
    status: ConsentStatus
    provision: Provision
    recorded_at: float
    """Seconds since 1970."""
    author: Author


class HeldConsent(msgspec.Struct, frozen=True):
    """A consent that a source holds, as it stands there."""

    id: str
    version: str
    patient: Link
    """Whose record at the source it is about."""
    status: ConsentStatus
    provision: Provision
    recorded_at: str | None
    """When it was agreed to, or else when the source changed it last."""
    updated_at: str | None
    received_at: datetime

    @property
    def source(self) -> str:
        return self.patient.source


class Verdict(StrEnum):
    """What a review of broken glass comes to."""

    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"


class Review(msgspec.Struct, frozen=True):
    verdict: Verdict
    comment: str
    at: float
    author: Author


class BrokenGlass(msgspec.Struct, frozen=True, omit_defaults=True):
    """A grant that a clinician took in an emergency."""

    id: str
    patient: Link
    author: Author
    reason: str
    at: float
    until: float
    version: int = 1
    review: Review | None = None


class Disclosure(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the audit trail tells of one answer, as far as it is kept here: never what was asked."""

    process: str
    position: int
    at: float
    kind: str
    operation_name: str | None
    operation_hash: str
    request_id: str
    caller: Caller | None
    refusals: tuple[Refusal, ...] = ()
    denials: tuple[str, ...] = ()
    broken: tuple[GlassUse, ...] = ()
