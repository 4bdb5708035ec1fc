"""A consent as published, with its history: one recorded here, or one that a source holds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.governance import model
from subgraphs.governance.loaders import (
    CONSENT,
    HELD,
    AnyConsent,
    Governance,
    find_consents,
    find_held,
    load_versions,
)
from subgraphs.governance.schema.values import AccessActor, ConsentProvision
from subgraphs.runtime.datatypes import FEW, Provenance, ProvenanceMethod
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.moments import last_moment
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time, exact, instant
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for

strawberry.enum(
    model.ConsentStatus,
    name="ConsentStatus",
    description="Where a consent stands: only an active one is followed. "
    "https://hl7.org/fhir/R4/valueset-consent-state-codes.html",
)


@strawberry.type(description="A consent as it stood after one change of it.")
class ConsentVersion:
    version: str = strawberry.field(description="Another with every change: for `ifMatch`.")
    status: model.ConsentStatus = strawberry.field(
        description="`INACTIVE` once it is revoked, from that moment on."
    )
    provision: ConsentProvision = strawberry.field(description="What it says.")
    recorded_at: DateTime | None = strawberry.field(description="When it was recorded.")
    recorded_by: AccessActor | None = strawberry.field(
        description="Who recorded it here; null where a source holds it."
    )

    @classmethod
    def of(cls, version: AnyConsent) -> Self:
        return cls(
            version=str(version.version),
            status=version.status,
            provision=ConsentProvision.of(version.provision),
            recorded_at=_recorded_at(version),
            recorded_by=_recorded_by(version),
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for(CONSENT),
    description="What a patient has directed about who may see which of her records. "
    "https://hl7.org/fhir/R4/consent.html",
)
class Consent:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    kept: strawberry.Private[AnyConsent]

    @strawberry.field(description="Another with every change: for `ifMatch`.")
    def version(self) -> str:
        return str(self.kept.version)

    @strawberry.field(description="`INACTIVE` once it is revoked, from that moment on.")
    def status(self) -> model.ConsentStatus:
        return self.kept.status

    @strawberry.field(description="Whether it is active, and its period is now.")
    def in_force(self, info: strawberry.Info) -> bool:
        request: Request[Governance] = info.context
        now, rule = request.subgraph.now(), self.kept.provision
        begun = rule.start is None or instant(rule.start) <= now
        over = rule.end is not None and last_moment(rule.end) < now
        return self.kept.status is model.ConsentStatus.ACTIVE and begun and not over

    @strawberry.field(
        description="What it says. One that a source holds is about that source's records, and "
        "stands here as it is followed."
    )
    def provision(self) -> ConsentProvision:
        return ConsentProvision.of(self.kept.provision)

    @strawberry.field(
        description="When this version of it was recorded; of one that a source holds, when it "
        "was agreed to or else last changed."
    )
    def recorded_at(self) -> DateTime | None:
        return _recorded_at(self.kept)

    @strawberry.field(
        description="Who recorded this version of it here; null where a source holds it."
    )
    def recorded_by(self) -> AccessActor | None:
        return _recorded_by(self.kept)

    @strawberry.field(
        directives=[FEW],
        description="The source that holds it; empty for one that was recorded here. Only what "
        "was recorded here is changed or revoked here.",
    )
    def provenance(self) -> list[Provenance]:
        kept = self.kept
        if isinstance(kept, model.Consent):
            return []
        return [
            Provenance(
                source=kept.source,
                recorded_at=date_time(kept.recorded_at),
                received_at=exact(kept.received_at),
                method=ProvenanceMethod.FHIR_READ,
                updated_at=date_time(kept.updated_at),
            )
        ]

    @strawberry.field(
        directives=[FEW],
        description="Every version of it, the latest first; of one that a source holds, that one.",
    )
    async def history(self, info: strawberry.Info) -> list[ConsentVersion]:
        if not isinstance(self.kept, model.Consent):
            return [ConsentVersion.of(self.kept)]
        versions = await load_versions(info.context, self.kept.id)
        return [ConsentVersion.of(version) for version in versions]

    @classmethod
    def of(cls, request: Request[Governance], kept: AnyConsent) -> Consent:
        type_ = CONSENT if isinstance(kept, model.Consent) else HELD
        source, patient = kept.patient
        return cls(id=strawberry.ID(request.seal(type_, source, kept.id, patient)), kept=kept)

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> list[object]:
        ids = [each.get("id") for each in representations]
        ours, theirs = await asyncio.gather(
            find_consents(request, [request.open(CONSENT, id_) for id_ in ids]),
            find_held(request, [request.open(HELD, id_) for id_ in ids]),
        )
        found = [own or held for own, held in zip(ours, theirs, strict=True)]
        return [cls.of(request, each) if each else ClientError(Code.NOT_FOUND) for each in found]


def _recorded_at(kept: AnyConsent) -> DateTime | None:
    if isinstance(kept, model.Consent):
        return exact(datetime.fromtimestamp(kept.recorded_at, UTC))
    return date_time(kept.recorded_at)


def _recorded_by(kept: AnyConsent) -> AccessActor | None:
    return AccessActor.of(kept.author) if isinstance(kept, model.Consent) else None
