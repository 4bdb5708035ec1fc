"""How new what is counted is; and what all of the subgraph's loaders share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contract.errors import Code
from subgraphs.connectors.errors import SourceState
from subgraphs.insight.measures.definition import Measures
from subgraphs.insight.store.store import SourceExport, Store
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.gathering import SourceReport
from subgraphs.runtime.request import Request

REPORT: Final = "MeasureReport"
"""The type under whose scopes and roles gaps and rates are.

Da Vinci's gaps in care are such reports, on single patients:
http://hl7.org/fhir/us/davinci-deqm/gaps-in-care-reporting.html
"""


@dataclass(frozen=True, slots=True)
class Insight:
    """The subgraph's own services."""

    store: Store

    @property
    def measures(self) -> Measures:
        return self.store.measures


async def load_exports(request: Request[Insight]) -> list[SourceReport]:
    """The state of each source's export, and as of when it is whole.

    SOURCE_UNAVAILABLE, to be asked again, until one has been read.
    """

    async def batch(_: list[str]) -> list[tuple[list[SourceExport], bool]]:
        store = request.services.store
        exports = await store.exports()
        is_known = await store.read(
            lambda c: c.execute("SELECT count(*) = 0 OR count(person) > 0 FROM member").fetchone()
        )
        return [(exports, bool(is_known and is_known[0]))]

    exports, is_known = await request.load("exports", batch, REPORT)
    if not is_known or all(each.as_of is None for each in exports):
        raise ClientError(
            Code.SOURCE_UNAVAILABLE,
            "No export of any source has been read yet.",
            retryable=True,
            hint="Ask again in some seconds; `chartgraph insight status` tells how it goes.",
        )
    return [_report(each) for each in exports]


async def as_of(request: Request[Insight]) -> datetime:
    """As of when all that is counted is known: the oldest of the exports."""
    return min(each.as_of for each in await load_exports(request) if each.as_of)


def _report(export: SourceExport) -> SourceReport:
    as_of = datetime.fromisoformat(export.as_of) if export.as_of else None
    failed_since = as_of is not None and export.state is not SourceState.OK
    state = SourceState.STALE if failed_since else export.state
    return SourceReport(export.source, state, as_of)
