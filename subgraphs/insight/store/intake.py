"""What exports bring, put where measures find it: a batch is a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from subgraphs.insight.model import Member, Said
from subgraphs.insight.store.database import Connection
from subgraphs.runtime.labelling import ages_at, labels_of
from subgraphs.runtime.sensitivity import SENSITIVE

_KEYS: Final = {"type": "VARCHAR", "id": "VARCHAR"}
_MEMBERS: Final = {
    "source": "VARCHAR",
    "patient": "VARCHAR",
    "updated": "VARCHAR",
    "is_active": "BOOLEAN",
    "sex": "VARCHAR",
    "born": "VARCHAR",
    "has_died": "BOOLEAN",
    "organization": "VARCHAR",
    "labels": ["VARCHAR"],
    "round": "BIGINT",
}
_FACTS: Final = {
    "source": "VARCHAR",
    "type": "VARCHAR",
    "id": "VARCHAR",
    "patient": "VARCHAR",
    "concept": "VARCHAR",
    "day": "DATE",
    "until": "DATE",
    "value": "DECIMAL(18, 6)",
    "has_value": "BOOLEAN",
    "subjects": ["VARCHAR"],
    "labels": ["VARCHAR"],
    "round": "BIGINT",
}
_SENSITIVE: Final = {
    "source": "VARCHAR",
    "type": "VARCHAR",
    "id": "VARCHAR",
    "patient": "VARCHAR",
    "subject": "VARCHAR",
    "label": "VARCHAR",
    "round": "BIGINT",
}


def take_members(cursor: Connection, source: str, round_: int, members: Sequence[Member]) -> None:
    # Whose person is known stays so: the record is the same one.
    rows = [
        {
            "source": source,
            "patient": member.id,
            "updated": member.updated,
            "is_active": member.is_active,
            "sex": member.sex,
            "born": member.born,
            "has_died": member.has_died,
            "organization": member.organization,
            "labels": member.labels,
            "round": round_,
        }
        for member in {member.id: member for member in members}.values()
    ]
    taken = ", ".join(f"{name} = excluded.{name}" for name in list(_MEMBERS)[2:])
    _insert(cursor, "member", _MEMBERS, rows, f"ON CONFLICT DO UPDATE SET {taken}")


def take_said(cursor: Connection, source: str, round_: int, said: Sequence[Said]) -> None:
    said = list({(each.type, each.id): each for each in said}.values())
    forget(cursor, source, [(each.type, each.id) for each in said])
    born = _births(cursor, source, {each.patient for each in said if each.facts})
    facts = [
        {
            "source": source,
            "type": each.type,
            "id": each.id,
            "patient": each.patient,
            "concept": fact.concept,
            "day": fact.day,
            "until": fact.until,
            "value": fact.value,
            "has_value": fact.has_value,
            "subjects": each.subjects,
            "labels": labels,
            "round": round_,
        }
        for each in said
        if each.facts
        for labels in [_labels(each, born.get(each.patient))]
        for fact in each.facts
    ]
    _insert(cursor, "fact", _FACTS, facts, numbered=True)
    closing = [
        {
            "source": source,
            "type": each.type,
            "id": each.id,
            "patient": each.patient,
            "subject": subject,
            "label": label,
            "round": round_,
        }
        for each in said
        for label in each.source_labels
        if label in SENSITIVE
        for subject in each.subjects
    ]
    _insert(cursor, "sensitive", _SENSITIVE, closing)


def forget(cursor: Connection, source: str, keys: Iterable[tuple[str, str]]) -> None:
    """Take out records, and with a patient whatever is told of it."""
    keys = list(keys)
    text = _encode([{"type": type_, "id": id_} for type_, id_ in keys])
    shape = _shape(_KEYS)
    for table in ("fact", "sensitive"):
        cursor.execute(
            f"DELETE FROM {table} AS t USING (SELECT unnest(from_json($1, $2)) AS k) "  # noqa: S608 - names of ours
            "WHERE t.source = $3 AND t.type = k.type AND t.id = k.id",
            [text, shape, source],
        )
    patients = [id_ for type_, id_ in keys if type_ == "Patient"]
    for table in ("fact", "sensitive", "member") if patients else ():
        cursor.execute(
            f"DELETE FROM {table} WHERE source = $1 AND patient IN (SELECT unnest($2::VARCHAR[]))",  # noqa: S608 - likewise
            [source, patients],
        )


def forget_before(cursor: Connection, source: str, round_: int) -> None:
    """Take out what a whole export no longer held."""
    for table in ("fact", "sensitive", "member"):
        cursor.execute(
            f"DELETE FROM {table} WHERE source = $1 AND round < $2",  # noqa: S608 - names of ours
            [source, round_],
        )


def _labels(said: Said, born: str | None) -> list[str]:
    """The source's, and those that its codes call for."""
    called_for = labels_of(said.mentions, ages_at(born, said.moment))
    return sorted({*said.source_labels, *(label.code for label in called_for if label.code)})


def _births(cursor: Connection, source: str, patients: set[str]) -> Mapping[str, str | None]:
    rows = cursor.execute(
        "SELECT patient, born FROM member WHERE source = $1 "
        "AND patient IN (SELECT unnest($2::VARCHAR[]))",
        [source, sorted(patients)],
    ).fetchall()
    return dict(rows)


def _insert(
    cursor: Connection,
    table: str,
    columns: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    then: str = "",
    *,
    numbered: bool = False,
) -> None:
    """As one parameter: row by row it would take a hundred times as long."""
    if not rows:
        return
    names = ", ".join(columns)
    told = ", ".join(f"r.{name}" for name in columns)
    number = ("no, ", "nextval('numbers'), ") if numbered else ("", "")
    cursor.execute(
        f"INSERT INTO {table} ({number[0]}{names}) SELECT {number[1]}{told} "  # noqa: S608 - names of ours
        f"FROM (SELECT unnest(from_json($1, $2)) AS r) {then}",
        [_encode(rows), _shape(columns)],
    )


def _shape(columns: Mapping[str, Any]) -> str:
    return _encode([columns])


def _encode(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()
