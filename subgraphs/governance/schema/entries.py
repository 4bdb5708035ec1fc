"""An entry of the audit trail as published: who saw something of a patient, when and what for."""

from __future__ import annotations

from collections.abc import Collection

import strawberry
from strawberry import federation

from subgraphs.governance import model
from subgraphs.governance.loaders import AUDIT, Governance, is_of, load_grant, seal_grant
from subgraphs.governance.resource import ACT_REASON
from subgraphs.governance.schema.glass import moment
from subgraphs.governance.schema.values import AccessActor
from subgraphs.governance.sources.disclosures import Counted
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.datatypes import FEW, Coding
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime
from subgraphs.runtime.scopes import scopes_for


@strawberry.type(description="Records of the patient that an answer left out, by kind.")
class WithheldType:
    type: str = strawberry.field(description="The FHIR type.")
    reason: str = strawberry.field(
        description="`consent`, `label`, `scope`, `role`, `compartment` or one of a domain's own."
    )


@federation.type(
    requires_scopes=scopes_for(AUDIT),
    description="An answer that was given about a patient, as the audit trail holds it: never what "
    "was asked or told. https://hl7.org/fhir/R4/auditevent.html",
)
class AuditEntry:
    kept: strawberry.Private[model.Disclosure]
    compartment: strawberry.Private[Compartment]

    @strawberry.field(description="When the answer was given.")
    def recorded_at(self) -> DateTime:
        return moment(self.kept.at)

    @strawberry.field(description="`query`, `mutation` or `subscription`.")
    def kind(self) -> str:
        return self.kept.kind

    @strawberry.field(description="The name of the operation, if it had one.")
    def operation_name(self) -> str | None:
        return self.kept.operation_name

    @strawberry.field(description="The id of the request, as its errors and our logs have it.")
    def request_id(self) -> str:
        return self.kept.request_id

    @strawberry.field(description="Who asked; null where nobody was signed in.")
    def who(self) -> AccessActor | None:
        caller = self.kept.caller
        return AccessActor.of(model.Author.of(caller)) if caller else None

    @strawberry.field(
        description="What for: https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html"
    )
    def purpose(self) -> Coding | None:
        return purpose(self.kept.caller.purpose) if self.kept.caller else None

    @strawberry.field(
        directives=[FEW], description="What of the patient's records was left out, by kind."
    )
    def withheld(self, info: strawberry.Info) -> list[WithheldType]:
        request: Request[Governance] = info.context
        refused = {
            (each.type, each.reason)
            for each in self.kept.refusals
            if each.patient and is_of(request, each.patient, self.compartment)
        }
        return [WithheldType(type=type_, reason=reason) for type_, reason in sorted(refused)]

    @strawberry.field(
        directives=[FEW], description="Fields that were refused before anything was fetched."
    )
    def denied_fields(self) -> list[str]:
        return list(self.kept.denials)

    @strawberry.field(
        directives=[FEW],
        description="The ids of the `BreakGlassGrant`s of this patient under which it was given.",
    )
    async def grants(self, info: strawberry.Info) -> list[strawberry.ID]:
        request: Request[Governance] = info.context
        found = [await load_grant(request, id_) for id_ in _ids(self.kept)]
        own = [each for each in found if each and each.patient in self.compartment.links]
        return [strawberry.ID(seal_grant(request, each)) for each in own]


@strawberry.type(description="How often a patient's records were seen for one purpose.")
class DisclosurePurpose:
    purpose: Coding | None = strawberry.field(
        description="What for; null where nobody was signed in."
    )
    count: int = strawberry.field(description="In how many answers.")
    latest: DateTime = strawberry.field(description="When last.")

    @classmethod
    def of(cls, counted: Counted) -> DisclosurePurpose:
        known = purpose(counted.purpose) if counted.purpose else None
        return cls(purpose=known, count=counted.count, latest=moment(counted.latest))


def purpose(code: str) -> Coding:
    return Coding(system=ACT_REASON, code=code, display=None, version=None)


def _ids(kept: model.Disclosure) -> Collection[str]:
    return sorted({each.grant for each in kept.broken})
