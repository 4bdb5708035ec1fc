"""What governance knows of a patient: what was directed, who broke the glass, who saw what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.governance import model
from subgraphs.governance.loaders import (
    AUDIT,
    CONSENT,
    GRANT,
    AnyConsent,
    Governance,
    count_disclosures,
    find_grants,
    load_consents,
    load_grants,
    load_uses,
    page_disclosures,
    seal_grant,
)
from subgraphs.governance.schema.consents import Consent
from subgraphs.governance.schema.entries import AuditEntry, DisclosurePurpose
from subgraphs.governance.schema.glass import BreakGlassReview, BreakGlassUse, moment
from subgraphs.governance.schema.values import AccessActor
from subgraphs.governance.sources.disclosures import Mark, Question
from subgraphs.runtime.connection import (
    PAGE,
    After,
    Connection,
    First,
    Listing,
    connect,
    connection_of,
    page_size,
)
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.datatypes import FEW, SourceStatus
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_nodes import PATIENT, PatientNode
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, instant, rank
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for
from subgraphs.runtime.sealing import RecordRef

ACCOUNTING = "disclosures"
"""The policy of those to whom it is accounted for who saw what."""
_CONSENTS: Listing[AnyConsent] = Listing(
    id=lambda consent: consent.id, rank=lambda consent: rank(_said_at(consent))
)
GRANTS: Listing[model.BrokenGlass] = Listing(
    id=lambda grant: grant.id, rank=lambda grant: f"{grant.at:020.6f}"
)
_From = Annotated[
    DateTime | None,
    strawberry.argument(name="from", description="Only answers given at or after it."),
]
_To = Annotated[DateTime | None, strawberry.argument(description="Only answers given before it.")]
_Purposes = Annotated[
    list[str] | None,
    strawberry.argument(
        description="Codes of v3-PurposeOfUse: only answers given for one of them."
    ),
]


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for(AUDIT),
    description="Glass that a clinician broke in an emergency: for a while, what labels and "
    "consents close of one patient is open to that one caller, for that purpose.",
)
class BreakGlassGrant:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    kept: strawberry.Private[model.BrokenGlass]

    @strawberry.field(description="Another with every change: for `ifMatch`.")
    def version(self) -> str:
        return str(self.kept.version)

    @strawberry.field(description="Who broke it.")
    def broken_by(self) -> AccessActor:
        return AccessActor.of(self.kept.author)

    @strawberry.field(description="Why, in the words of who broke it.")
    def reason(self) -> str:
        return self.kept.reason

    @strawberry.field(description="When it was broken.")
    def broken_at(self) -> DateTime:
        return moment(self.kept.at)

    @strawberry.field(description="Until when it is open.")
    def until(self) -> DateTime:
        return moment(self.kept.until)

    @strawberry.field(description="Whether it is open now.")
    def is_open(self, info: strawberry.Info) -> bool:
        request: Request[Governance] = info.context
        return request.subgraph.now().timestamp() < self.kept.until

    @strawberry.field(
        directives=[FEW], description="Each answer that showed what it opened, in order of time."
    )
    async def uses(self, info: strawberry.Info) -> list[BreakGlassUse]:
        used = await load_uses(info.context, self.kept.id)
        return [BreakGlassUse.of(each, self.kept.id) for each in used]

    @strawberry.field(description="What a privacy officer made of it; null until one has.")
    def review(self) -> BreakGlassReview | None:
        return BreakGlassReview.of(self.kept.review) if self.kept.review else None

    @strawberry.field(description="Whose records it is about.")
    async def patient(self, info: strawberry.Info) -> Patient | None:
        request: Request[Governance] = info.context
        source, patient = self.kept.patient
        (compartment,) = await request.compartments(
            [RecordRef(source, GRANT, self.kept.id, patient)]
        )
        return Patient(id=strawberry.ID(compartment.patient)) if compartment else None

    @classmethod
    def of(cls, request: Request[Governance], kept: model.BrokenGlass) -> BreakGlassGrant:
        return cls(id=strawberry.ID(seal_grant(request, kept)), kept=kept)

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> list[object]:
        refs = [request.open(GRANT, each.get("id")) for each in representations]
        found = await find_grants(request, refs)
        return [cls.of(request, each) if each else ClientError(Code.NOT_FOUND) for each in found]


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for(CONSENT),
        description="What the patient has directed about who may see her records, here or at a "
        "source, revoked consents included; the one changed last first. Of a source that is not "
        "OK, all that is labelled is closed. For herself, her proxies, and those who answer for "
        "privacy.",
    )
    async def consents(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Consent] | None:
        request: Request[Governance] = info.context
        compartment = await request.compartment(self.id, self.links)
        consents = await load_consents(request, compartment)
        return connect(
            request,
            _CONSENTS,
            partial(Consent.of, request),
            consents,
            scope=f"consents:{self.id}",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        policy=[[ACCOUNTING]],
        requires=["links"],
        requires_scopes=scopes_for(AUDIT),
        description="Who broke the glass to see what is closed of the patient, the latest first. "
        "For herself, and for privacy officers.",
    )
    async def break_glass_grants(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[BreakGlassGrant] | None:
        request: Request[Governance] = info.context
        grants = await load_grants(request, await request.compartment(self.id, self.links))
        return connect(
            request,
            GRANTS,
            partial(BreakGlassGrant.of, request),
            Gathered(tuple(grants)),
            scope=f"grants:{self.id}",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        policy=[[ACCOUNTING]],
        requires=["links"],
        requires_scopes=scopes_for(AUDIT),
        description="Every answer in which something of the patient was seen, under whichever of "
        "her ids, the latest first. `sources` tells how the audit trail stands: INVALID where a "
        "row of it was changed or is missing. For herself, and for privacy officers.",
    )
    async def disclosures(
        self,
        info: strawberry.Info,
        from_: _From = None,
        to: _To = None,
        purposes: _Purposes = None,
        first: First = None,
        after: After = None,
    ) -> Connection[AuditEntry] | None:
        request: Request[Governance] = info.context
        compartment = await request.compartment(self.id, self.links)
        scope, size = f"disclosures:{self.id}", page_size(first)
        mark = _mark(request, scope, after)
        asked = _question(compartment.links, from_, to, purposes)
        found = await page_disclosures(request, compartment, asked, mark, size + 1)
        shown = found.rows[:size]
        return connection_of(
            [AuditEntry(kept=each, compartment=compartment) for each in shown],
            [
                request.subgraph.ids.seal_cursor(scope, (repr(e.at), f"{e.process}:{e.position}"))
                for e in shown
            ],
            has_next=len(found.rows) > size,
            has_previous=after is not None,
            sources=[SourceStatus.of(report) for report in found.sources],
        )

    @federation.field(
        directives=[FEW],
        policy=[[ACCOUNTING]],
        requires=["links"],
        requires_scopes=scopes_for(AUDIT),
        description="How often something of the patient was seen, by purpose. For herself, and "
        "for privacy officers.",
    )
    async def disclosure_purposes(
        self, info: strawberry.Info, from_: _From = None, to: _To = None
    ) -> list[DisclosurePurpose] | None:
        request: Request[Governance] = info.context
        compartment = await request.compartment(self.id, self.links)
        asked = _question(compartment.links, from_, to, None)
        counted = await count_disclosures(request, compartment, asked)
        return [DisclosurePurpose.of(each) for each in counted]


def _said_at(consent: AnyConsent) -> str | None:
    if isinstance(consent, model.Consent):
        return datetime.fromtimestamp(consent.recorded_at, UTC).isoformat()
    return consent.recorded_at


def _question(
    links: tuple[Link, ...], from_: str | None, to: str | None, purposes: list[str] | None
) -> Question:
    whole = Question(links)
    return Question(
        links,
        instant(from_).timestamp() if from_ else whole.first,
        instant(to).timestamp() if to else whole.last,
        tuple(purposes or ()),
    )


def _mark(request: Request[Governance], scope: str, after: str | None) -> Mark | None:
    place = request.subgraph.ids.open_cursor(scope, after) if after is not None else None
    if place is None:
        return None
    process, _, position = place[1].rpartition(":")
    return Mark(float(place[0]), process, int(position))
