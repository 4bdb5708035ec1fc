"""The roots that governance adds: for privacy officers, and for those who run the sources."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.connectors.config import SourceConfig
from subgraphs.connectors.errors import SourceState
from subgraphs.governance.loaders import AUDIT, OFFICER, Governance, all_grants
from subgraphs.governance.schema.patient import GRANTS, BreakGlassGrant
from subgraphs.runtime.connection import PAGE, After, Connection, First, connect
from subgraphs.runtime.datatypes import FEW
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, exact
from subgraphs.runtime.scopes import scopes_for

OPERATORS: Final = ("integration-engineer", OFFICER)
OFFICE: Final = "privacy-office"
"""The policy of those who answer for privacy."""


@strawberry.type(description="A system whose records are in the graph.")
class DataSource:
    id: str = strawberry.field(description="As provenance names it, for example `ehr-a`.")
    title: str | None = strawberry.field(description="For human readers.")
    kind: str = strawberry.field(description="How it is spoken to, for example `fhir-r4`.")
    serves: list[str] = strawberry.field(directives=[FEW], description="The subgraphs that ask it.")
    state: SourceState = strawberry.field(
        description="How it did when it was asked last, by anyone; OK as long as nothing else is "
        "known."
    )
    as_of: DateTime | None = strawberry.field(
        description="Since when it is in that state; null as long as it has been in no other."
    )

    @classmethod
    def of(cls, request: Request[Governance], config: SourceConfig) -> DataSource:
        state, since = request.services.states.state(config.id)
        return cls(
            id=config.id,
            title=config.title or None,
            kind=str(config.__struct_config__.tag),
            serves=list(config.serves),
            state=state,
            as_of=exact(since) if since else None,
        )


@strawberry.type(description="A place where the audit trail is not what was written to it.")
class TrailFinding:
    process: str = strawberry.field(description="The process of the gateway whose part it is.")
    position: int = strawberry.field(description="The first record that does not fit.")


@strawberry.type(description="The audit trail, as far as it was read.")
class AuditTrail:
    state: SourceState = strawberry.field(
        description="OK where every record fits the one before it; INVALID where one was changed "
        "or taken out; UNAVAILABLE where the trail cannot be read."
    )
    as_of: DateTime | None = strawberry.field(description="When it was read to its end.")
    findings: list[TrailFinding] = strawberry.field(
        directives=[FEW],
        description="Where it does not fit; `chartgraph audit verify` says what was done to it.",
    )


@strawberry.type
class Query:
    @federation.field(
        policy=[[OFFICE]],
        directives=[PAGE],
        requires_scopes=scopes_for(AUDIT),
        description="Broken glass of every patient, the latest first; for privacy officers.",
    )
    async def break_glass_grants(
        self,
        info: strawberry.Info,
        to_review: Annotated[
            bool | None, strawberry.argument(description="Only what nobody has reviewed.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[BreakGlassGrant] | None:
        request: Request[Governance] = info.context
        _officers_only(request)
        grants = await all_grants(request, to_review=bool(to_review))
        return connect(
            request,
            GRANTS,
            partial(BreakGlassGrant.of, request),
            Gathered(tuple(grants)),
            scope=f"grants:{bool(to_review)}",
            first=first,
            after=after,
        )

    @federation.field(
        policy=[[OFFICE]],
        description="Whether the audit trail is whole, as far as it was read; for privacy "
        "officers.",
    )
    async def audit_trail(self, info: strawberry.Info) -> AuditTrail | None:
        request: Request[Governance] = info.context
        _officers_only(request)
        disclosures = request.services.disclosures
        report = await disclosures.catch_up()
        found = sorted((await disclosures.broken_at()).items())
        return AuditTrail(
            state=report.state,
            as_of=exact(report.as_of) if report.as_of else None,
            findings=[TrailFinding(process=name, position=at) for name, at in found],
        )

    @federation.field(
        policy=[["data-sources"]],
        directives=[FEW],
        description="The systems whose records are in the graph, in order of their ids; for those "
        "who run them and those who answer for privacy.",
    )
    def data_sources(self, info: strawberry.Info) -> list[DataSource] | None:
        request: Request[Governance] = info.context
        if not any(map(request.access.has_role, OPERATORS)):
            raise ClientError(Code.FORBIDDEN)
        configured = sorted(request.services.configured, key=lambda config: config.id)
        return [DataSource.of(request, config) for config in configured]


def _officers_only(request: Request[Governance]) -> None:
    if not request.access.has_role(OFFICER):
        raise ClientError(Code.FORBIDDEN)
