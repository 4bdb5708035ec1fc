"""How many of those who are meant have had the care."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import Enum

from contract.errors import Code
from subgraphs.insight.loaders.exports import REPORT, Insight, load_exports
from subgraphs.insight.measures.definition import Measure
from subgraphs.insight.measures.rates import Rate, suppress, suppress_groups
from subgraphs.insight.store.database import Connection
from subgraphs.insight.store.evaluation import Asked, statement
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.request import Request


class By(Enum):
    """What rates are told apart by: columns of the store."""

    ORGANIZATION = "organization"
    SOURCE = "source"


async def load_rates(request: Request[Insight], measure: Measure, by: By | None) -> list[Rate]:
    """How many have had the care, of all or group by group; labelled records count for nobody."""
    if not request.access.may_read_any(REPORT):
        raise ClientError(Code.FORBIDDEN)
    on = request.subgraph.now().date()
    if by is None:
        return await load_trend(request, measure, [on])

    def count(cursor: Connection) -> list[tuple[str, int, int]]:
        sql, values = statement(measure, Asked.everybody(), on)
        return cursor.execute(
            f"{sql} SELECT g.name, count(*), count_if(o.lack IS NULL) FROM outcome o JOIN "  # noqa: S608 - texts of ours
            f"(SELECT DISTINCT person, {by.value} AS name FROM member "
            f"WHERE is_active AND {by.value} IS NOT NULL) g USING (person) GROUP BY 1 ORDER BY 1",
            values,
        ).fetchall()

    await load_exports(request)
    rows = await request.services.store.read(count)
    return suppress_groups([Rate(*row) for row in rows])


async def load_trend(
    request: Request[Insight], measure: Measure, days: Sequence[date]
) -> list[Rate]:
    """The rate of all as it was on each of these days, by what is known today."""
    if not request.access.may_read_any(REPORT):
        raise ClientError(Code.FORBIDDEN)
    await load_exports(request)

    def count(cursor: Connection, on: date) -> Rate:
        sql, values = statement(measure, Asked.everybody(), on)
        row = cursor.execute(
            f"{sql} SELECT count(*), count_if(lack IS NULL) FROM outcome",  # noqa: S608 - as above
            values,
        ).fetchone()
        assert row is not None, "a count is one row"
        return suppress(Rate(None, *row))

    return await request.services.store.read(lambda cursor: [count(cursor, on) for on in days])
