"""One FHIR server, asked in batches.

The promise: how many HTTP calls a question takes depends on the resource types it touches, not on
how many patients it is about. A server is asked in the best way it offers:

    OR list        `patient=a,b,c`                       one call, and further pages
    batch Bundle   one search per key in one request     one call, and further pages of an entry
    single         one search per key, a few at a time   as many calls as keys

An OR list is the lightest for the server, but its rows share their pages, so where there are many
a batch takes its place. `latest_by`, which asks for the newest rows of each key, prefers a batch
outright: that is one call whatever the data. Each takes up to `CHUNK` keys a call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

import httpx2

from subgraphs.connectors.connector import NOBODY
from subgraphs.connectors.errors import Refused, Rejected
from subgraphs.connectors.fhir import writing
from subgraphs.connectors.fhir.asking import Asker, Crowded
from subgraphs.connectors.fhir.binary import Binary, fetch_binaries
from subgraphs.connectors.fhir.capabilities import Capabilities
from subgraphs.connectors.fhir.conformance import Conformance
from subgraphs.connectors.fhir.offers import Offers, Way
from subgraphs.connectors.fhir.references import Question, Rows
from subgraphs.connectors.fhir.search import Params, Resource, search
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.fhir.transaction import Change, transact
from subgraphs.connectors.parallel import for_each
from subgraphs.connectors.searched import Searched
from subgraphs.connectors.status import Unauthorized

CHUNK = 100
"""Keys in one OR list or batch."""
MAX_CRAWL_PAGES = 100_000

_FOR_ALL = (Way.OR_PAGE, Way.BATCH, Way.OR_LIST, Way.SINGLE)
_FOR_FIRST = (Way.BATCH, Way.OR_LIST, Way.SINGLE)

_Fetch: TypeAlias = Callable[[Way, Question], Awaitable[list[Resource]]]


class FhirServer(Searched[FhirSource]):
    """Long-lived: it remembers what the server offers."""

    settings = FhirSource

    def __init__(self, config: FhirSource, client: httpx2.AsyncClient) -> None:
        super().__init__(config, client)
        self.conformance = Conformance(config)
        self._offers = Offers(config, client)
        self._asker = Asker(client, page_size=config.page_size, at_a_time=config.max_parallel)

    async def probe(self) -> tuple[str, ...]:
        said = await self.capabilities()
        await self.read("Patient", [NOBODY])
        offers = (f"FHIR {said.fhir_version}", said.software, "batch" if said.batch else "")
        return tuple(offer for offer in offers if offer)

    async def capabilities(self) -> Capabilities:
        return await self._offers.capabilities()

    async def read(self, resource_type: str, ids: Iterable[str]) -> dict[str, Resource]:
        rows = await self.search_by(resource_type, "_id", ids)
        return {id_: found[0] for id_, found in rows.items() if found}

    async def search_including(
        self, resource_type: str, param: str, keys: Iterable[str], others: Params | None = None
    ) -> tuple[Rows, list[Resource]]:
        """Every row of every key, all pages.

        One HTTP call for `CHUNK` keys by batch; a few keys go by OR list, one call while their
        rows fit on a page. If they do not, a batch is the second call, and from then on the first.
        More are needed only where one key alone has more rows than a page, or without batches.
        """
        included: list[Resource] = []

        async def fetch(way: Way, part: Question) -> list[Resource]:
            pages = await self._asker.all_pages(way, part, others or {})
            included.extend(row for page in pages for row in page.resources("include"))
            return [row for page in pages for row in page.resources()]

        question = Question(resource_type, param, keys, self.config.url)
        return await self._ask(question, fetch, _FOR_ALL), included

    async def contents(self, urls: Iterable[str]) -> dict[str, Binary]:
        """One read for each."""
        return await fetch_binaries(
            self._client, self.config.url, urls, at_a_time=self.config.max_parallel
        )

    async def latest_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Params | None = None,
        *,
        sort: str,
        per_key: int = 1,
    ) -> tuple[Rows, list[Resource]]:
        """The first `per_key` rows of each key in the order of `sort`, such as `-date`.

        One HTTP call for `CHUNK` keys where the server offers batches. By OR lists one call if the
        first page has enough rows of every key or is the last; each further call asks for the
        unseen keys only, so two suffice unless those have more than a page of rows themselves.
        """
        included: list[Resource] = []

        async def fetch(way: Way, part: Question) -> list[Resource]:
            sorted_by = {**(others or {}), "_sort": sort}
            return await self._asker.first_rows(way, part, sorted_by, per_key, included)

        question = Question(resource_type, param, keys, self.config.url)
        rows = await self._ask(question, fetch, _FOR_FIRST)
        return {key: found[:per_key] for key, found in rows.items()}, included

    async def crawl(
        self, resource_type: str, others: Params | None = None
    ) -> AsyncIterator[list[Resource]]:
        """Every resource of a type, page by page."""
        params = {"_count": str(self.config.page_size), **(others or {})}
        pages = search(self._client, resource_type, params, max_pages=MAX_CRAWL_PAGES)
        async for page in pages:
            rows = [row for row in page.resources() if row.get("resourceType") == resource_type]
            await self.conformance.check(rows)
            yield rows

    async def create(self, resource: Resource, token: str) -> Resource:
        """As `writing.create`: sent twice under one token, it is done once."""
        return await writing.create(self._client, resource, token)

    async def update(self, resource: Resource, version: str) -> Resource:
        """As `writing.update`: `version` is the `meta.versionId` that it was made from."""
        return await writing.update(self._client, resource, version)

    async def find_written(self, resource_type: str, token: str) -> Resource | None:
        """As `writing.find_written`: what became of a create."""
        return await writing.find_written(self._client, resource_type, token)

    async def find_marked(self, resource_type: str, token: str) -> list[Resource]:
        """As `writing.find_marked`: everything that carries a token."""
        return await writing.find_marked(self._client, resource_type, token)

    async def transact(self, changes: Sequence[Change]) -> list[Resource]:
        """As `transaction.transact`: all of them, or none. Only where the server offers it."""
        return await transact(self._client, changes)

    async def _ask(self, question: Question, fetch: _Fetch, order: Sequence[Way]) -> Rows:
        """Ask in the first way that the server takes, and group the rows by the keys asked."""
        if not question.keys:
            return {}
        if len(question.keys) == 1:
            order = (Way.SINGLE,)  # needs neither list nor batch, nor to know who offers them
        declined: set[Way] = set()
        is_renewed = len(question.keys) == 1
        while True:
            way = await self._offers.best(question, order, declined)
            if way is Way.SINGLE and not is_renewed:
                is_renewed = True
                await self._offers.renew()
                continue
            try:
                rows = await self._fetch_chunks(question, fetch, way)
            except Crowded:
                self._offers.note_crowded(question)
            except (Rejected, Refused) as error:
                # Some servers want a right to create for a batch, even if it only reads.
                if way is Way.SINGLE or isinstance(error, Unauthorized):
                    raise
                declined |= {Way.OR_PAGE, Way.OR_LIST} if way is not Way.BATCH else {way}
            else:
                break
        self._offers.withdraw(question, declined)
        grouped = question.group(rows)
        await self.conformance.check([row for found in grouped.values() for row in found])
        return grouped

    async def _fetch_chunks(self, question: Question, fetch: _Fetch, way: Way) -> list[Resource]:
        async def ask(part: Question) -> list[Resource]:
            return await fetch(way, part)

        parts = question.chunks(CHUNK)
        found = await for_each(parts, ask, at_a_time=self.config.max_parallel)
        return [row for rows in found for row in rows]
