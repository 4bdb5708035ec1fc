"""The index on disk: ids that stay, encrypted records, blind search."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from subgraphs.connectors.errors import SourceState
from subgraphs.identity.index.crypto import IndexUnreadableError
from subgraphs.identity.index.store import open_index, said_by
from subgraphs.identity.index.tables import blocks, counters, members, pairs
from subgraphs.identity.index.words import words_asked
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.database import sqlite_url
from tests.subgraphs.identity.people import KEY, NOW

N1, S2, W3 = Link("north", "1"), Link("south", "2"), Link("west", "3")
_VERSION = counters.c.name == "version"


async def test_any_record_finds_the_person_and_all_links(index, absorb, patient):
    await absorb(north={"1": patient("1")}, south={"2": patient("2")})
    people = await index.people([N1, S2, W3])
    assert people.keys() == {N1, S2}
    assert people[N1] == people[S2]
    assert (people[N1].founder, people[N1].links) == (N1, (N1, S2))


async def test_nobody_asked_for_is_nobody_found(index, absorb, patient):
    await absorb(north={"1": patient("1")})
    assert await index.people([]) == {}
    assert await index.page(None, 0) == []


async def test_a_person_keeps_the_id_when_records_join(index, absorb, patient):
    await absorb(south={"2": patient("2")})
    # North sorts before south, but south was here first.
    await absorb(north={"1": patient("1")}, south={"2": patient("2")})
    assert (await index.people([N1]))[N1].founder == S2


async def test_a_source_that_is_down_keeps_its_links(index, absorb, patient):
    await absorb(north={"1": patient("1")}, south={"2": patient("2")})
    await absorb(failed={"north": SourceState.TIMEOUT}, south={"2": patient("2")})
    person = (await index.people([N1]))[N1]
    assert person.links == (N1, S2)
    assert {crawl.source: crawl.state for crawl in person.crawls} == {
        "north": SourceState.TIMEOUT,
        "south": SourceState.OK,
    }
    assert all(crawl.completed_at for crawl in person.crawls)


async def test_a_record_that_is_gone_still_finds_the_person(index, absorb, patient):
    await absorb(north={"1": patient("1")}, south={"2": patient("2")})
    await absorb(north={}, south={"2": patient("2")})
    person = (await index.people([N1]))[N1]
    assert (person.founder, person.links) == (N1, (S2,))
    await absorb(south={})
    assert await index.people([N1, S2]) == {}
    await absorb(north={"1": patient("1")})
    assert (await index.people([S2]))[S2].links == (N1,)


async def test_it_survives_a_restart_and_shows_nothing_on_disk(tmp_path, patient):
    key = b"k" * 32
    index = await open_index(sqlite_url(tmp_path, "identity"), key)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    await index.take("north", {"1": said_by(patient("1"), at)}, at)
    await index.close()
    again = await open_index(sqlite_url(tmp_path, "identity"), key)
    assert (await again.people([N1]))[N1].newest.birth_date == "1968-03-14"
    await again.close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for secret in (b"Lovelace", b"lovelace", b"1968-03-14", b"999-12-3456", b"Maple"):
        assert secret not in content
    with pytest.raises(IndexUnreadableError, match="remove it"):
        await open_index(sqlite_url(tmp_path, "identity"), b"x" * 32)


async def test_an_index_of_an_earlier_version_weighs_everybody_anew(tmp_path, patient):
    url = sqlite_url(tmp_path, "identity")
    index = await open_index(url, KEY)
    for link in (N1, S2):
        await index.take(link.source, {link.id: said_by(patient(link.id), NOW)}, NOW)
    async with index.database.writing() as connection:
        # As an earlier version left it, which found these two by no key.
        await connection.execute(sa.delete(blocks))
        await connection.execute(sa.delete(pairs))
        await connection.execute(sa.update(members).values(blocks=b"", person=members.c.no))
        await connection.execute(sa.update(counters).values(value=3).where(_VERSION))
    await index.close()
    again = await open_index(url, KEY)
    assert (await again.people([N1]))[N1].links == (N1,)
    for link in (N1, S2):
        await again.take(link.source, {link.id: said_by(patient(link.id), NOW)}, NOW)
    assert (await again.people([N1]))[N1].links == (N1, S2)
    await again.close()


async def test_pages_through_everyone_once(index, absorb, patient):
    await absorb(
        north={str(i): patient(str(i), ssn=f"999-10-{1000 + i}", given=f"G{i}x") for i in range(7)}
    )
    seen, after = [], None
    while page := await index.page(after, 3):
        assert len(page) <= 3
        seen += [person.founder for person in page]
        after = page[-1].founder
    assert sorted(seen) == [Link("north", str(i)) for i in range(7)]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("lovelace", ["1", "2"]),
        ("LOVE", ["1", "2"]),
        ("ad love", ["1"]),
        ("love ada", ["1"]),
        ("byron", ["2"]),
        ("1968-03-14", ["1"]),
        ("lovelace 1970-01-02", ["2"]),
        ("ada 1970-01-02", []),
        ("velace", []),
        ("999-12-3456", []),
    ],
)
async def test_searches_by_beginnings_of_names_and_birth_date(
    index, absorb, patient, search, found
):
    await absorb(
        north={
            "1": patient("1"),
            "2": patient("2", given="Byron", birth_date="1970-01-02", ssn="999-22-2222"),
        }
    )
    people = await index.page(None, 10, words_asked(search))
    assert [person.founder.id for person in people] == found


@pytest.mark.parametrize("search", ["", " ", "a", "love a", "!!", " ".join(["love"] * 9)])
def test_a_search_for_next_to_nothing_is_none(search):
    assert words_asked(search) is None


async def test_a_changed_name_is_found_by_its_new_words_only(index, absorb, patient):
    await absorb(north={"1": patient("1")})
    await absorb(north={"1": patient("1", family="Byron")})
    assert await index.page(None, 10, words_asked("lovelace")) == []
    assert len(await index.page(None, 10, words_asked("byron"))) == 1


async def test_it_is_empty_until_the_first_crawl(index, absorb):
    assert await index.is_empty()
    await absorb(failed={"north": SourceState.UNAVAILABLE})
    assert await index.is_empty()
    await absorb(south={})
    assert not await index.is_empty()
