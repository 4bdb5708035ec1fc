"""Take records in: what a source says of its patients, page by page or one by one.

Everything that follows from a record is worked out in the transaction that stores it, so that the
index is always whole: its keys, its pairs, and whose it is. What comes out does not depend on the
order things came in; of two things a source says of one record, the later said counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.identity.index.blocking import block_keys
from subgraphs.identity.index.crypto import IndexCipher, pack, unpack
from subgraphs.identity.index.database import take_numbers
from subgraphs.identity.index.features import Features, extract
from subgraphs.identity.index.tables import blocks, members, words
from subgraphs.identity.index.words import words_of
from subgraphs.identity.model import PatientResource
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.database import insert_rows, listed, parts_of, rows_in


@dataclass(frozen=True, slots=True)
class Said:
    """What a source says of one patient, and when it said so, in seconds of the epoch."""

    record: PatientResource
    at: float


NEVER: Final = float("-inf")
"""When the record of a patient was made whom a source has named, but not described."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """The block keys of one member, as they were and as they are."""

    member: int
    before: Sequence[int]
    after: Sequence[int]
    is_fresh: bool = False
    """Whether the member came with this: it has no pairs yet, and no decisions."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a page changed: members to be matched anew, and how their block keys changed."""

    changes: tuple[KeyChange, ...]


async def take(
    connection: AsyncConnection,
    cipher: IndexCipher,
    source: str,
    said: Mapping[str, Said],
    received_at: float,
    crawl: int,
) -> Taken:
    """Store what is new of a source's patients, by id."""
    names = {cipher.name(Link(source, id_)): each for id_, each in said.items()}
    known = await _known(connection, source, names)
    fresh = [name for name in names if name not in known]
    first = await take_numbers(connection, "member", len(fresh))
    added, changed = [], []
    changes: list[KeyChange] = []
    for no, name in enumerate(fresh, first):
        row = _row(cipher, source, name, names[name])
        added.append(
            row
            | {"no": no, "person": no, "name": name, "source": source, "received_at": received_at}
            | {"first_seen": crawl, "last_seen": crawl, "retired": names[name].at == NEVER}
        )
        changes.append(KeyChange(no, (), unpack(row["blocks"]), is_fresh=True))
    for name, old in known.items():
        row = _row(cipher, source, name, names[name])
        if _is_news(old, row):
            changed.append({"m": old.no, **row})
            changes.append(KeyChange(old.no, unpack(old.blocks), unpack(row["blocks"])))
    seen = [row.no for row in known.values()]
    await _write_members(connection, added, changed)
    await _note_seen(connection, seen, received_at, crawl)
    await _write_tokens(connection, known, added, changed)
    return Taken(tuple(changes))


def _is_news(old: sa.Row[Any], row: Mapping[str, Any]) -> bool:
    # Some servers change a record and not its time: then what came later counts.
    return bool(row["digest"] != old.digest and row["asserted_at"] >= old.asserted_at)


async def _known(
    connection: AsyncConnection, source: str, names: Mapping[str, Said]
) -> dict[str, sa.Row[Any]]:
    columns = (members.c.no, members.c.name, members.c.digest, members.c.asserted_at)
    query = sa.select(*columns, members.c.blocks, members.c.words).where(members.c.source == source)
    return {row.name: row for row in await rows_in(connection, query, members.c.name, names)}


def _row(cipher: IndexCipher, source: str, name: str, said: Said) -> dict[str, Any]:
    features = extract(source, said.record)
    return {
        "asserted_at": said.at,
        "digest": cipher.digest(said.record),
        "blocks": pack(cipher.tokens(block_keys(features))),
        "words": pack(cipher.word_tokens(words_of(said.record))),
        "features": cipher.encrypt(f"features {source} {name}", features),
        "record": cipher.encrypt(f"record {source} {name}", said.record),
    }


_ADDED: Final = tuple(c.name for c in members.c if c.name not in ("merged_to", "merged_by"))


async def _write_members(
    connection: AsyncConnection,
    added: Sequence[Mapping[str, Any]],
    changed: Sequence[Mapping[str, Any]],
) -> None:
    await insert_rows(
        connection, members, _ADDED, [tuple(row[name] for name in _ADDED) for row in added]
    )
    if changed:
        names = ("asserted_at", "digest", "blocks", "words", "features", "record")
        values: dict[str, Any] = {name: sa.bindparam(name) for name in names}
        statement = sa.update(members).where(members.c.no == sa.bindparam("m"))
        await connection.execute(statement.values(values), changed)


async def _note_seen(
    connection: AsyncConnection, seen: Sequence[int], received_at: float, crawl: int
) -> None:
    for part in parts_of(seen):
        among = sa.select(listed(connection, part, members.c.no.type).c.value)
        statement = sa.update(members).where(members.c.no.in_(among))
        values = {"retired": False, "received_at": received_at, "last_seen": crawl}
        await connection.execute(statement.values(values))


async def _write_tokens(
    connection: AsyncConnection,
    known: Mapping[str, sa.Row[Any]],
    added: Sequence[Mapping[str, Any]],
    changed: Sequence[Mapping[str, Any]],
) -> None:
    before = {row.no: row for row in known.values()}
    for table, column in ((blocks, "blocks"), (words, "words")):
        gone = [
            {"t": token, "m": row["m"]}
            for row in changed
            for token in unpack(getattr(before[row["m"]], column))
        ]
        if gone:
            is_it = (table.c.token == sa.bindparam("t"), table.c.member == sa.bindparam("m"))
            await connection.execute(sa.delete(table).where(*is_it), gone)
        new = [
            (token, row["no"] if "no" in row else row["m"])
            for row in (*added, *changed)
            for token in unpack(row[column])
        ]
        # In the order of the tree: what lies together is written together.
        await insert_rows(connection, table, ("token", "member"), sorted(new))


def features_of(cipher: IndexCipher, row: sa.Row[Any]) -> Features:
    """Of a row with the member's source, name and features."""
    return cipher.decrypt(f"features {row.source} {row.name}", row.features, Features)


def record_of(cipher: IndexCipher, row: sa.Row[Any]) -> PatientResource:
    return cipher.decrypt(f"record {row.source} {row.name}", row.record, PatientResource)
