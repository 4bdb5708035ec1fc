"""The crawl: what one source's trouble does to the others, and to itself."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from subgraphs.connectors.errors import SourceState, TimedOut, Unreachable
from subgraphs.identity.sources.crawl import RETRY_SECONDS, Crawler
from subgraphs.runtime.crosswalk import Link

N1, N2 = Link("north", "1"), Link("north", "2")


class FakeServer:
    def __init__(self, *pages) -> None:
        self.pages = list(pages)

    async def crawl(self, resource_type):
        assert resource_type == "Patient"
        for page in self.pages:
            if isinstance(page, Exception):
                raise page
            yield page


@pytest.fixture
def crawl(index):
    async def run(**servers):
        await Crawler(index, servers, lambda: datetime(2026, 11, 22, tzinfo=UTC)).refresh()

    return run


@pytest.fixture
def wire(patient):
    def make(id_: str, **changes):
        return msgspec.to_builtins(patient(id_, **changes))

    return make


def state(person):
    return {crawl.source: crawl.state for crawl in person.crawls}


async def test_reads_every_page_of_every_source(index, crawl, wire):
    one, two = wire("1"), wire("2", ssn="999-00-1111", given="Byron")
    await crawl(north=FakeServer([one], [two]), south=FakeServer([wire("9")]))
    people = await index.people([N1, N2])
    assert people[N1].links == (N1, Link("south", "9"))
    assert people[N2].links == (N2,)


async def test_a_crawl_that_breaks_off_changes_nothing(index, crawl, wire):
    await crawl(north=FakeServer([wire("1")], [wire("2", ssn=None, given="Byron")]))
    await crawl(north=FakeServer([wire("1")], TimedOut("late")))
    people = await index.people([N1, N2])
    assert people.keys() == {N1, N2}
    assert state(people[N1]) == {"north": SourceState.TIMEOUT}


async def test_an_unreadable_patient_neither_hides_nor_retires_anyone(index, crawl, wire):
    await crawl(north=FakeServer([wire("1"), wire("2", ssn=None, given="Byron")]))
    broken = {**wire("2"), "birthDate": ["1968"]}
    await crawl(north=FakeServer([wire("1", family="Byron"), broken]))
    people = await index.people([N1, N2])
    assert people.keys() == {N1, N2}
    assert people[N1].newest.name[0].family == "Byron"
    assert state(people[N1]) == {"north": SourceState.INVALID}


async def test_an_inactive_record_is_retired(index, crawl, wire):
    await crawl(north=FakeServer([wire("1")]))
    await crawl(north=FakeServer([{**wire("1"), "active": False}]))
    assert await index.people([N1]) == {}


async def test_a_source_that_was_down_is_soon_asked_again(index, wire):
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            raise asyncio.CancelledError
        server.pages = [[wire("1")]]

    server = FakeServer(Unreachable("down"))
    crawler = Crawler(index, {"north": server}, lambda: datetime(2026, 11, 22, tzinfo=UTC))
    with pytest.raises(asyncio.CancelledError):
        await crawler.keep_fresh(900, sleep)
    assert pauses == [RETRY_SECONDS, 900]
    assert (await index.people([N1]))[N1].links == (N1,)


async def test_a_broken_index_does_not_end_the_crawling(index, wire):
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)
        raise asyncio.CancelledError

    crawler = Crawler(index, {"north": FakeServer([wire("1")])}, None)
    with pytest.raises(asyncio.CancelledError):
        await crawler.keep_fresh(900, sleep)
    assert pauses == [RETRY_SECONDS]


async def test_one_unreadable_element_costs_no_more_than_itself(index, crawl, wire):
    odd = {**wire("1"), "address": [{"line": ["12 Maple Street"], "period": []}]}
    # What tells whether and how the record counts is never left out.
    worse = {**wire("2", ssn=None, given="Byron"), "active": "perhaps"}
    await crawl(north=FakeServer([odd, worse]))
    people = await index.people([N1, N2])
    assert people.keys() == {N1}
    (record,) = people[N1].records
    assert record.resource.address == ()
    assert record.resource.ssn == "999-12-3456"
