"""What humans decide of people: link, unlink, merge, un-merge, and that nothing undoes it."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from subgraphs.identity.index.crypto import unpack
from subgraphs.identity.index.decisions import Author, Kind, Refusal, RefusedError
from subgraphs.identity.index.store import open_index, said_by
from subgraphs.identity.index.tables import (
    blocks,
    bonds,
    decided,
    decisions,
    members,
    pairs,
    words,
)
from subgraphs.identity.sources.adt import Event, IndexFeed, PersonRecord, Taken
from subgraphs.runtime.crosswalk import Link
from tests.subgraphs.identity.people import KEY, NOW, patient

N1, N2, S2 = Link("north", "1"), Link("north", "2"), Link("south", "2")
BY = Author("steward-1", NOW, "they called")
EXAMPLES = int(os.environ.get("DECISION_SEQUENCES", "10"))


@pytest.fixture
def decide(index):
    """`await decide("link", N1, S2)`: the decision's number, or why it was refused."""

    async def take(what, *about, by=BY):
        return await take_decision(index, what, *about, by=by)

    return take


async def take_decision(index, what, *about, by=BY):
    try:
        async with index.deciding() as deciding:
            act = getattr(deciding.registrar, what)
            return await (act(list(about), by) if what == "unlink" else act(*about, by))
    except RefusedError as refused:
        return refused.refusal


@pytest.fixture
async def two(absorb):
    """Two people who have little in common."""
    byron = patient("2", given="George", family="Byron", ssn="999-88-1111", birth_date="1950-01-22")
    await absorb(north={"1": patient("1")}, south={"2": byron})


async def links(index, member):
    return (await index.people([member]))[member].links


async def test_linked_people_are_one_under_any_id(index, two, decide):
    await decide("link", N1, S2)
    people = await index.people([N1, S2])
    assert people[N1].links == people[S2].links == (N1, S2)


async def test_the_machine_does_not_undo_a_link(index, two, decide, absorb):
    await decide("link", N1, S2)
    other = patient("2", given="George", family="Gordon", ssn="999-88-1111", gender="male")
    await absorb(north={"1": patient("1", family="King")}, south={"2": other})
    assert await links(index, N1) == (N1, S2)


async def test_the_machine_does_not_undo_a_cut(index, absorb, decide):
    await absorb(north={"1": patient("1")}, south={"2": patient("2")})
    assert await links(index, N1) == (N1, S2)
    await decide("unlink", S2)
    await absorb(north={"1": patient("1", phone=None)}, south={"2": patient("2", street=None)})
    assert (await links(index, N1), await links(index, S2)) == ((N1,), (S2,))
    # Nor does a third record, which fits both, get around it.
    await absorb(west={"1": patient("1")})
    assert await links(index, N1) != await links(index, S2)


async def test_a_cut_is_mended_by_a_link(index, absorb, decide):
    await absorb(north={"1": patient("1")}, south={"2": patient("2")})
    await decide("unlink", S2)
    await decide("link", N1, S2)
    assert await links(index, S2) == (N1, S2)


async def test_a_merged_record_is_found_and_tells_where_it_went(index, absorb, decide):
    await absorb(north={"1": patient("1"), "2": patient("2", family="Byron")})
    await decide("merge", N2, N1)
    person = (await index.people([N2]))[N2]
    assert (person.links, person.merged) == ((N1, N2), {N2: N1})
    assert person.newest.name[0].family == "Lovelace"
    assert [record.patient for record in person.current] == ["1"]
    # The record is in use again, and so is who it was.
    await decide("unmerge", N2)
    person = (await index.people([N2]))[N2]
    assert (person.links, person.merged) == ((N2,), {})


async def test_what_came_with_a_merged_record_goes_with_it(index, absorb, decide):
    await absorb(
        north={"1": patient("1"), "2": patient("2", given="Ida", ssn="999-77-1111")},
        south={"2": patient("2", given="Ida", ssn="999-77-1111")},
    )
    await decide("merge", N2, N1)
    assert await links(index, S2) == (N1, N2, S2)
    await decide("unmerge", N2)
    assert (await links(index, N1), await links(index, S2)) == ((N1,), (N2, S2))


async def test_what_cannot_be_decided_changes_nothing(index, absorb, decide):
    await absorb(
        north={"1": patient("1"), "2": patient("2", given="Ida", ssn=None)},
        south={"2": patient("2")},
    )
    assert await decide("link", N1, S2) is Refusal.ALREADY
    assert await decide("keep_apart", N1, S2) is Refusal.NOT_TOGETHER
    assert await decide("unlink", N1, S2) is Refusal.NOTHING_LEFT
    assert await decide("unlink", N1, N2) is Refusal.NOT_TOGETHER
    assert await decide("unmerge", N1) is Refusal.NOT_MERGED
    assert await decide("merge", N1, N1) is Refusal.MERGED
    await decide("merge", N2, N1)
    assert await decide("unlink", N2) is Refusal.MERGED
    assert await decide("merge", N2, S2) is Refusal.MERGED
    assert await decide("merge", S2, N2) is Refusal.MERGED
    history = await index.history((await index.people([N1]))[N1])
    assert [decision.kind for decision in history] == [Kind.MERGE]


async def test_history_keeps_who_when_and_why_of_everything(index, two, decide):
    await decide("link", N1, S2)
    later = Author("steward-2", NOW + timedelta(days=1), "two phone numbers")
    await decide("unlink", S2, by=later)
    history = await index.history((await index.people([N1]))[N1])
    assert [(d.kind, d.author, d.one, d.other) for d in history] == [
        (Kind.UNLINK, later, (S2,), (N1,)),
        (Kind.LINK, BY, (N1,), (S2,)),
    ]


async def test_a_pair_that_was_decided_is_no_longer_in_the_queue(index, absorb, decide):
    await absorb(
        north={"1": patient("1", ssn=None)},
        south={"2": patient("2", ssn=None, phone="217-555-0199", street="9 Elm Court")},
    )
    (review,) = await index.reviews(None, 10)
    assert {review.one, review.other} == {N1, S2}
    await decide("keep_apart", N1, S2)
    assert await index.reviews(None, 10) == []
    await decide("link", N1, S2)
    assert await links(index, N1) == (N1, S2)


# --- messages -----------------------------------------------------------------------------------


def event(trigger, id_="1", prior=None, minutes=0, **changes):
    record = PersonRecord("north", patient(id_, **changes), NOW + timedelta(minutes=minutes))
    return Event(trigger, record, prior)


@pytest.fixture
def feed(index):
    return IndexFeed(index, lambda: NOW)


@pytest.mark.parametrize("trigger", ["A01", "A04", "A08", "A28", "A31"])
async def test_a_message_that_describes_a_patient_registers_them(index, feed, trigger):
    assert await feed.apply(event(trigger)) is Taken.REGISTERED
    assert (await index.people([N1]))[N1].newest.birth_date == "1968-03-14"


async def test_what_was_said_later_counts_whichever_comes_first(index, feed):
    await feed.apply(event("A08", minutes=5, family="King"))
    await feed.apply(event("A28"))
    assert (await index.people([N1]))[N1].newest.name[0].family == "King"


async def test_a_message_of_something_else_is_ignored(index, feed):
    assert await feed.apply(event("A60")) is Taken.IGNORED
    assert await index.people([N1]) == {}


@pytest.mark.parametrize("first", ["the merge", "the patient"])
async def test_a_merge_waits_for_its_patients(index, feed, first):
    register, merge = event("A28", "2", family="Byron"), event("A40", "1", prior="2")
    for each in (merge, register) if first == "the merge" else (register, merge):
        await feed.apply(each)
    person = (await index.people([N2]))[N2]
    assert (person.links, person.merged) == ((N1, N2), {N2: N1})
    assert await feed.apply(merge) is Taken.KNOWN


async def test_a_source_does_not_merge_what_a_human_keeps_apart(index, feed, decide):
    await feed.apply(event("A28"))
    await feed.apply(event("A28", "2", family="Byron"))
    await decide("keep_apart", N1, N2)
    assert await feed.apply(event("A40", "1", prior="2")) is Taken.HELD
    assert await links(index, N2) == (N2,)


# --- any sequence -------------------------------------------------------------------------------

TABLES = (members, pairs, bonds, decided, decisions, blocks, words)
KEYS = {"identity_block": "blocks", "identity_word": "words"}
LINKS = [Link(source, id_) for source in ("north", "south", "west") for id_ in "123"]
KINDS = [
    {},
    {"ssn": None},
    {"given": "Ida", "ssn": "999-12-3457"},
    {"family": "King", "ssn": None},
    {"ssn": None, "phone": "217-555-0199", "street": "9 Elm Court"},
    {"ssn": None, "birth_date": "1968-03-15"},
    {"ssn": "512-44-8021", "given": None},
    {"ssn": "999-12-4356", "given": "FNU"},
]
member = st.sampled_from(LINKS)
step = st.one_of(
    st.tuples(st.sampled_from(["link", "merge", "keep_apart"]), member, member),
    st.tuples(st.sampled_from(["unlink", "unmerge"]), member),
    st.tuples(st.just("unlink"), member, member),
    st.tuples(st.just("register"), member, st.integers(0, len(KINDS) - 1)),
)
people = st.lists(st.integers(0, len(KINDS) - 1), min_size=len(LINKS), max_size=len(LINKS))


async def partition(index):
    """The people, each as the set of its records; every id is one of exactly one of them."""
    found = await index.people(LINKS)
    assert found.keys() == set(LINKS), "an id that was given resolves"
    groups = {frozenset(person.links) for person in found.values()}
    assert sum(map(len, groups)) == len(LINKS), "the link sets partition the records"
    for link, person in found.items():
        assert link in person.links
        assert person.founder in person.links
        assert all(into in person.links for into in person.merged.values())
    return groups


async def dangling(index):
    """What refers to nothing, by table; and what a person's number, or a pair, says wrongly."""
    found = {}
    async with index.database.reading() as connection:
        rows = {table.name: (await connection.execute(sa.select(table))).all() for table in TABLES}
    members = {row.no: row for row in rows["identity_member"]}
    decisions = {row.no for row in rows["identity_decision"]}
    for name in ("identity_pair", "identity_bond"):
        found[name] = [r for r in rows[name] if {r.one, r.other} - members.keys()]
    found["decided"] = [
        row
        for row in (*rows["identity_decided"], *rows["identity_bond"])
        if row.decision not in decisions
    ]
    found["person"] = [r for r in members.values() if members[r.person].person != r.person]
    found["merged"] = [
        row
        for row in members.values()
        if row.merged_to is not None
        and (members[row.merged_to].person != row.person or row.merged_by not in decisions)
    ]
    bonds = {(row.one, row.other) for row in rows["identity_bond"]}
    found["open"] = [
        row
        for row in rows["identity_pair"]
        if row.open
        != (
            members[row.one].person != members[row.other].person
            and (row.one, row.other) not in bonds
        )
    ]
    tokens = {name: {(r.token, r.member) for r in rows[name]} for name in KEYS}
    for name, column in KEYS.items():
        own = {(t, row.no) for row in members.values() for t in unpack(getattr(row, column))}
        found[name] = tokens[name] ^ own
    return {name: rows for name, rows in found.items() if rows}


async def is_still_one(index, decision):
    people = await index.people((*decision.one, *decision.other))
    return decision.kind is Kind.UNMERGE and len({p.founder for p in people.values()}) == 1


async def opened(kinds, order=LINKS):
    index = await open_index("sqlite+aiosqlite:///:memory:", KEY)
    kind_of = dict(zip(LINKS, kinds, strict=True))
    round_ = await index.start_round()
    for link in order:
        record = patient(link.id, **KINDS[kind_of[link]])
        await index.take(link.source, {link.id: said_by(record, NOW)}, NOW, round_)
    return index


@settings(max_examples=EXAMPLES, deadline=None)
@given(people, st.lists(step, max_size=10))
def test_after_any_sequence_nothing_dangles_and_no_human_is_overruled(kinds, steps):
    async def run():
        index = await opened(kinds)
        try:
            said_so = {}
            for at, (what, *about) in enumerate(steps):
                if what == "register":
                    link, kind = about
                    said = said_by(patient(link.id, **KINDS[kind]), NOW)
                    await index.take(link.source, {link.id: said}, NOW + timedelta(minutes=at))
                elif not isinstance(no := await take_decision(index, what, *about), Refusal):
                    decision = await index.decision(no)
                    across = product(decision.one, decision.other)
                    # To un-merge what was one person before leaves it one.
                    is_one = what in ("link", "merge") or await is_still_one(index, decision)
                    said_so |= {frozenset(pair): is_one for pair in across}
                assert await dangling(index) == {}, f"after {steps[: at + 1]}"
            groups = await partition(index)
            for pair, is_one in said_so.items():
                assert is_one == any(pair <= group for group in groups)
        finally:
            await index.close()

    asyncio.run(run())


@settings(max_examples=EXAMPLES, deadline=None)
@given(people, member, member, st.sampled_from(["link", "merge"]))
def test_a_decision_is_undone_by_its_opposite(kinds, one, other, what):
    async def run():
        index = await opened(kinds)
        try:
            people = await index.people([one, other])
            sides = {*people[one].links, *people[other].links}
            before = {group & sides for group in await partition(index)}
            leaving = people[one].links
            if isinstance(await take_decision(index, what, one, other), Refusal):
                return
            undo = ("unlink", *leaving) if what == "link" else ("unmerge", one)
            assert not isinstance(await take_decision(index, *undo), Refusal)
            # A third record may have found its place meanwhile, and was then decided about too.
            assert {group & sides for group in await partition(index)} == before
        finally:
            await index.close()

    asyncio.run(run())


@settings(max_examples=EXAMPLES, deadline=None)
@given(people, st.permutations(LINKS), st.lists(st.integers(0, len(LINKS) - 1), max_size=4))
def test_matching_is_idempotent_and_blind_to_order(kinds, order, again):
    async def run():
        plain, mixed = await opened(kinds), await opened(kinds, order)
        try:
            expected = await partition(plain)
            assert await partition(mixed) == expected
            founders = {p.founder for p in (await plain.people(LINKS)).values()}
            assert {p.founder for p in (await mixed.people(LINKS)).values()} == founders
            kind_of = dict(zip(LINKS, kinds, strict=True))
            for link in (LINKS[at] for at in again):
                said = said_by(patient(link.id, **KINDS[kind_of[link]]), NOW)
                await plain.take(link.source, {link.id: said}, datetime(2027, 1, 1, tzinfo=UTC))
            assert await partition(plain) == expected
        finally:
            await plain.close()
            await mixed.close()

    asyncio.run(run())
