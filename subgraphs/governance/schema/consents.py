"""A consent as published, with its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.governance import model
from subgraphs.governance.loaders import CONSENT, Governance, find_consents, load_versions
from subgraphs.governance.schema.values import AccessActor, ConsentProvision
from subgraphs.runtime.datatypes import FEW
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.moments import last_moment
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, exact, instant
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for

strawberry.enum(
    model.ConsentStatus,
    name="ConsentStatus",
    description="Where a consent stands: https://hl7.org/fhir/R4/valueset-consent-state-codes.html",
)


@strawberry.type(description="A consent as it stood after one change of it.")
class ConsentVersion:
    version: str = strawberry.field(description="Another with every change: for `ifMatch`.")
    status: model.ConsentStatus = strawberry.field(
        description="`INACTIVE` once it is revoked, from that moment on."
    )
    provision: ConsentProvision = strawberry.field(description="What it says.")
    recorded_at: DateTime = strawberry.field(description="When it was recorded here.")
    recorded_by: AccessActor = strawberry.field(description="Who recorded it.")

    @classmethod
    def of(cls, version: model.Consent) -> Self:
        return cls(
            version=str(version.version),
            status=version.status,
            provision=ConsentProvision.of(version.provision),
            recorded_at=exact(datetime.fromtimestamp(version.recorded_at, UTC)),
            recorded_by=AccessActor.of(version.author),
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for(CONSENT),
    description="What a patient has directed about who may see which of her records. "
    "https://hl7.org/fhir/R4/consent.html",
)
class Consent:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    kept: strawberry.Private[model.Consent]

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

    @strawberry.field(description="What it says.")
    def provision(self) -> ConsentProvision:
        return ConsentProvision.of(self.kept.provision)

    @strawberry.field(description="When this version of it was recorded here.")
    def recorded_at(self) -> DateTime:
        return exact(datetime.fromtimestamp(self.kept.recorded_at, UTC))

    @strawberry.field(description="Who recorded this version of it.")
    def recorded_by(self) -> AccessActor:
        return AccessActor.of(self.kept.author)

    @strawberry.field(directives=[FEW], description="Every version of it, the latest first.")
    async def history(self, info: strawberry.Info) -> list[ConsentVersion]:
        versions = await load_versions(info.context, self.kept.id)
        return [ConsentVersion.of(version) for version in versions]

    @classmethod
    def of(cls, request: Request[Governance], kept: model.Consent) -> Consent:
        source, patient = kept.patient
        return cls(id=strawberry.ID(request.seal(CONSENT, source, kept.id, patient)), kept=kept)

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> list[object]:
        refs = [request.open(CONSENT, each.get("id")) for each in representations]
        found = await find_consents(request, refs)
        return [cls.of(request, each) if each else ClientError(Code.NOT_FOUND) for each in found]
