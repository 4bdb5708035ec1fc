"""The roots that governance adds: the sources, for those who run them."""

from __future__ import annotations

from typing import Final

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.connectors.config import SourceConfig
from subgraphs.connectors.errors import SourceState
from subgraphs.governance.loaders import Governance
from subgraphs.runtime.datatypes import FEW
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, exact

OPERATORS: Final = ("integration-engineer", "privacy-officer")


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


@strawberry.type
class Query:
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
