"""What is told of the sources themselves, which is the same for every patient."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from strawberry.federation.schema_directives import Authenticated

from subgraphs.runtime.datatypes import SourceStatus
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import date_time
from subgraphs.runtime.source_states import TOPIC, StateChange, read_change


@dataclass(frozen=True, slots=True)
class _Change:
    """`subgraphs.runtime.subscribing.Event`"""

    change: StateChange

    async def load(self, _: Request[Any]) -> SourceStatus:
        change = self.change
        return SourceStatus(source=change.source, state=change.state, as_of=date_time(change.at))


@strawberry.type(description="What is told as it happens.")
class Subscription:
    @strawberry.subscription(
        graphql_type=SourceStatus | None,
        directives=[Authenticated()],
        description="A source of any part of the graph begins to do otherwise than it did.",
    )
    async def source_status_changed(
        self,
        info: strawberry.Info,
        sources: Annotated[
            list[str] | None,
            strawberry.argument(description="Only these, by their ids; all without it."),
        ] = None,
    ) -> AsyncGenerator[Any, None]:
        with info.context.subgraph.events.listen(TOPIC) as events:
            async for event in events:
                change = read_change(event)
                if sources is None or change.source in sources:
                    yield _Change(change)
