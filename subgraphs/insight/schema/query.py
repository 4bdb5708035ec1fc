"""The roots: the measures, and who has a gap by one of them."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import federation

from subgraphs.insight.loaders.cohorts import list_cohort
from subgraphs.insight.loaders.exports import REPORT, Insight, as_of, load_exports
from subgraphs.insight.measures import definition
from subgraphs.insight.schema.types import OF_ALL, CareGap, Measure
from subgraphs.insight.store.evaluation import Lack
from subgraphs.runtime.connection import (
    MAX_PAGE,
    PAGE,
    After,
    Connection,
    First,
    connection_of,
    page_size,
)
from subgraphs.runtime.datatypes import FEW, SourceStatus
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    requires_scopes=OF_ALL,
    description="The patients with a gap by one measure: a population's worklist.",
)
class Cohort:
    measure: Measure = strawberry.field(description="By which.")
    wanted: strawberry.Private[definition.Measure]

    @strawberry.field(
        description="As of when everything that is counted is known: the oldest of the exports."
    )
    async def as_of(self, info: strawberry.Info) -> DateTime | None:
        return date_time(await as_of(info.context))

    @strawberry.field(
        directives=[PAGE],
        description="One for each patient the caller may see, the longest overdue first. For "
        f"screens: pages have at most {MAX_PAGE} rows, and whole populations are exported in bulk.",
    )
    async def gaps(
        self,
        info: strawberry.Info,
        reasons: Annotated[
            list[Lack] | None, strawberry.argument(description="Only those for these reasons.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[CareGap] | None:
        request: Request[Insight] = info.context
        ids, size = request.subgraph.ids, page_size(first)
        scope = f"cohort:{self.wanted.id}"
        place = ids.open_cursor(scope, after) if after is not None else None
        page = await list_cohort(request, self.wanted, after=place, size=size, lacks=reasons)
        reports = await load_exports(request)
        return connection_of(
            [CareGap.of(request, gap) for gap in page.gaps],
            [ids.seal_cursor(scope, gap.place) for gap in page.gaps],
            has_next=page.has_next,
            has_previous=place is not None,
            sources=[SourceStatus.of(report) for report in reports],
        )


@strawberry.type
class Query:
    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for(REPORT),
        description="All measures there are.",
    )
    def measures(self, info: strawberry.Info) -> list[Measure] | None:
        request: Request[Insight] = info.context
        return [Measure.of(each) for each in request.services.measures.by_id.values()]

    @federation.field(
        requires_scopes=scopes_for(REPORT),
        description="One measure; null for an id that is unknown.",
    )
    def measure(
        self,
        info: strawberry.Info,
        id: Annotated[  # noqa: A002 - the argument's public name
            strawberry.ID, strawberry.argument(description="A `Measure.id`.")
        ],
    ) -> Measure | None:
        found = _find(info.context, id)
        return Measure.of(found) if found else None

    @federation.field(
        requires_scopes=OF_ALL,
        description="Who has a gap by a measure, as far as the caller may know; null for a measure "
        "that is unknown.",
    )
    def cohort(
        self,
        info: strawberry.Info,
        measure: Annotated[strawberry.ID, strawberry.argument(description="A `Measure.id`.")],
    ) -> Cohort | None:
        found = _find(info.context, measure)
        return Cohort(measure=Measure.of(found), wanted=found) if found else None


def _find(request: Request[Insight], id_: str) -> definition.Measure | None:
    return request.services.measures.by_id.get(id_)
