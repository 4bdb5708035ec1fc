"""The ways a server can be asked about many keys at once, and which of them it turned out to take.

What a server states may be wrong, or change. A way that was declined with a 4xx where another then
worked is not tried again for that parameter until the statement is read anew; that happens from
time to time, and whenever nothing seems left but to ask about every key on its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

import httpx2

from subgraphs.connectors.fhir.capabilities import (
    Capabilities,
    fetch_capabilities,
    fetch_multiple_or,
)
from subgraphs.connectors.fhir.references import Question
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.parallel import Shared

ROWS_PER_KEY = 4
"""What is expected of a key until it is known: so many keys' rows are hoped to fit on a page."""
LIFETIME = 300
"""Seconds after which a statement is read again."""
FRESH = 1
"""Seconds in which it is not, whatever happens."""


class Way(Enum):
    OR_PAGE = auto()
    """An OR list, as long as its rows fit on a page; where they do not, there is a batch."""
    OR_LIST = auto()
    BATCH = auto()
    SINGLE = auto()


class Offers:
    def __init__(
        self,
        config: FhirSource,
        client: httpx2.AsyncClient,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._client = client
        self._now = now
        self._statement: Shared[_Known] = Shared()
        self._definitions: Shared[bool] = Shared()
        self._known: _Known | None = None

    async def capabilities(self) -> Capabilities:
        return (await self._current()).capabilities

    async def best(self, question: Question, order: Sequence[Way], declined: Container[Way]) -> Way:
        """The first way offered and not declined; what comes after it is not even looked up."""
        for way in order:
            if way is Way.SINGLE:
                break
            if way not in declined and await self._takes(question, way):
                return way
        return Way.SINGLE

    async def renew(self) -> None:
        """Read the statement anew, unless that has just been done."""
        if self._known is None or self._now() - self._known.since >= FRESH:
            await self._statement.get(None, self._read)

    def withdraw(self, question: Question, ways: Iterable[Way]) -> None:
        if self._known is not None:
            self._known.withdrawn.update((*question.name, way) for way in ways)

    def note_crowded(self, question: Question) -> None:
        """So many keys have more rows than a page; as many are not asked by one page again."""
        if self._known is not None:
            keys = len(question.keys)
            least = self._known.crowded.get(question.name, keys)
            self._known.crowded[question.name] = min(least, keys)

    async def _takes(self, question: Question, way: Way) -> bool:
        known = await self._current()
        match way:
            case Way.OR_PAGE:
                likely = self._config.page_size // ROWS_PER_KEY
                fits = len(question.keys) < known.crowded.get(question.name, likely + 1)
                either = await self._takes(question, Way.BATCH)
                return fits and either and await self._takes(question, Way.OR_LIST)
            case _ if (*question.name, way) in known.withdrawn:
                return False
            case Way.BATCH:
                return known.capabilities.batch
            case _:
                return await self._takes_lists(known, question)

    async def _current(self) -> _Known:
        if self._known is None or self._now() - self._known.since >= LIFETIME:
            return await self._statement.get(None, self._read)
        return self._known

    async def _read(self) -> _Known:
        self._known = _Known(await fetch_capabilities(self._client), self._now())
        return self._known

    async def _takes_lists(self, known: _Known, question: Question) -> bool:
        if self._config.multiple_or != "auto":
            return self._config.multiple_or == "yes"
        canonical = known.capabilities.search_params.get(question.name)
        if canonical is None:
            return False
        if canonical not in known.multiple_or:
            known.multiple_or[canonical] = await self._definitions.get(
                canonical, lambda: fetch_multiple_or(self._client, canonical)
            )
        return known.multiple_or[canonical]


@dataclass(slots=True)
class _Known:
    capabilities: Capabilities
    since: float
    multiple_or: dict[str, bool] = field(default_factory=dict)
    withdrawn: set[tuple[str, str, Way]] = field(default_factory=set)
    crowded: dict[tuple[str, str], int] = field(default_factory=dict)
