"""Ask one server about many keys in a given way."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx2

from subgraphs.connectors.fhir.batch import batch
from subgraphs.connectors.fhir.offers import Way
from subgraphs.connectors.fhir.references import Question, Rows
from subgraphs.connectors.fhir.search import (
    Params,
    Resource,
    SearchPage,
    first_page,
    read_page,
    walk,
)
from subgraphs.connectors.parallel import for_each

OR_ROUNDS = 4
"""OR searches for the newest rows, each for the keys still unseen, before asking one by one."""


class Crowded(Exception):
    """The rows of all keys together do not fit on the one page that was hoped for."""


class Asker:
    """`at_a_time` bounds the calls one question makes at once."""

    def __init__(self, client: httpx2.AsyncClient, *, page_size: int, at_a_time: int) -> None:
        self._client = client
        self._page_size = page_size
        self._at_a_time = at_a_time

    async def all_pages(self, way: Way, question: Question, others: Params) -> list[SearchPage]:
        """Every page of each search."""
        others = {"_count": str(self._page_size), **others}
        pages = await self._first_pages(way, question, others)
        if way is Way.OR_PAGE and pages[0].next_link is not None:
            raise Crowded
        found = await for_each(pages, self._walk, at_a_time=self._at_a_time)
        return [page for walked in found for page in walked]

    async def first_rows(
        self,
        way: Way,
        question: Question,
        others: Params,
        per_key: int,
        brought: list[Resource],
    ) -> list[Resource]:
        """Rows among which are the first `per_key` of every key, in the server's order.

        What they bring along is added to `brought`.
        """
        if way is Way.OR_LIST:
            return await self._first_rows_of_list(question, others, per_key, brought)
        few = {**others, "_count": str(per_key)}
        pages = await self._first_pages(way, question, few)
        brought += [row for page in pages for row in page.resources("include")]
        return [row for page in pages for row in page.resources()]

    async def _first_rows_of_list(
        self, question: Question, others: Params, per_key: int, brought: list[Resource]
    ) -> list[Resource]:
        """A page holds the first rows of all keys together: those it left out are asked again."""
        listed = {**others, "_count": str(self._page_size)}
        rows: list[Resource] = []
        for _ in range(OR_ROUNDS):
            (page,) = await self._first_pages(Way.OR_LIST, question, listed)
            brought += page.resources("include")
            found = question.group(page.resources())
            if page.next_link is None:
                return rows + _flat(found)
            done = {key: own for key, own in found.items() if len(own) >= per_key}
            rows += _flat(done)
            question = question.without(done)
            if not question.keys:
                return rows
        return rows + await self.first_rows(Way.SINGLE, question, others, per_key, brought)

    async def _first_pages(self, way: Way, question: Question, others: Params) -> list[SearchPage]:
        resource_type, param = question.resource_type, question.param
        if way in (Way.OR_PAGE, Way.OR_LIST):
            listed = {**others, param: ",".join(map(_escape, question.keys))}
            return [await first_page(self._client, resource_type, listed)]
        each = [{**others, param: _escape(key)} for key in question.keys]
        if way is Way.BATCH:
            urls = [f"{resource_type}?{urlencode(params, doseq=True)}" for params in each]
            return [read_page(body) for body in await batch(self._client, urls)]

        async def ask(params: Params) -> SearchPage:
            return await first_page(self._client, resource_type, params)

        return await for_each(each, ask, at_a_time=self._at_a_time)

    async def _walk(self, first: SearchPage) -> list[SearchPage]:
        return [page async for page in walk(self._client, first)]


def _flat(rows: Rows) -> list[Resource]:
    return [row for own in rows.values() for row in own]


def _escape(key: str) -> str:
    """https://hl7.org/fhir/R4/search.html#escaping"""
    return key.replace("\\", "\\\\").replace(",", "\\,").replace("$", "\\$")
