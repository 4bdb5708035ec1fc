"""The same index on a real PostgreSQL, by the same statements."""

from datetime import timedelta

import pytest

from subgraphs.connectors.errors import SourceState
from subgraphs.identity.index.decisions import Author, Refusal, RefusedError
from subgraphs.identity.index.store import open_index, said_by
from subgraphs.identity.index.words import words_asked
from subgraphs.identity.sources.adt import IndexFeed
from subgraphs.runtime.crosswalk import Link
from tests.subgraphs.identity.people import KEY, NOW, patient

N1, N2, S2 = Link("north", "1"), Link("north", "2"), Link("south", "2")
BY = Author("steward-1", NOW, "they called")


@pytest.fixture
async def index(postgres_url):
    opened = await open_index(postgres_url, KEY)
    yield opened
    await opened.close()


async def take(index, **sources):
    round_ = await index.start_round()
    for source, records in sources.items():
        said = {id_: said_by(record, NOW) for id_, record in records.items()}
        await index.take(source, said, NOW, round_)
        await index.finish_crawl(source, SourceState.OK, round_, NOW)


async def test_people_are_matched_found_and_listed(index):
    byron = patient("2", given="George", family="Byron", ssn="999-88-1111")
    await take(index, north={"1": patient("1"), "2": byron}, south={"2": patient("2")})
    people = await index.people([N1, S2])
    assert people[N1].links == people[S2].links == (N1, S2)
    assert len(await index.page(None, 10)) == 2
    assert len(await index.page(None, 10, words_asked("byr geo"))) == 1
    ((best, *_),) = await index.match([patient("any")])
    assert best.link in (N1, S2)
    await take(index, north={"1": patient("1", family="King")}, south={})
    assert (await index.people([S2]))[S2].links == (N1,)


async def test_humans_decide_and_nothing_is_half_done(index):
    await take(index, north={"1": patient("1")}, south={"2": patient("2")})
    async with index.deciding() as deciding:
        await deciding.registrar.unlink([S2], BY)
    assert (await index.people([S2]))[S2].links == (S2,)

    async def link_twice():
        async with index.deciding() as deciding:
            await deciding.registrar.link(N1, S2, BY)
            await deciding.registrar.link(N1, S2, BY)

    with pytest.raises(RefusedError) as refused:
        await link_twice()
    assert refused.value.refusal is Refusal.ALREADY
    assert (await index.people([S2]))[S2].links == (S2,)
    history = await index.history((await index.people([S2]))[S2])
    assert [decision.author for decision in history] == [BY]


async def test_the_queue_and_messages(index):
    moved = patient("2", ssn=None, phone="217-555-0199", street="9 Elm Court")
    await take(index, north={"1": patient("1", ssn=None)}, south={"2": moved})
    (review,) = await index.reviews(None, 10)
    assert {review.one, review.other} == {N1, S2}
    assert await index.reviews(review.place, 10) == []
    feed = IndexFeed(index, lambda: NOW + timedelta(minutes=1))
    await feed.merge(N2, N1)
    assert (await index.people([N1]))[N1].links == (N1,)


async def test_two_processes_take_turns(postgres_url, index):
    other = await open_index(postgres_url, KEY)
    try:
        await take(index, north={"1": patient("1")})
        await take(other, south={"2": patient("2")})
        assert (await index.people([S2]))[S2].links == (N1, S2)
    finally:
        await other.close()
