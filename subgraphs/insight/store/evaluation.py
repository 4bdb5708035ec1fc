"""A measure, asked of people: SQL made of its definition, one statement for one person or for all.

    asked      whose records: person, source, patient, birth
    people     of age and sex, alive, with a record in use
    facts      what their records say that the caller may count
    c0, c1 …   for each criterion of care: the last day of it, and what was measured then
    outcome    who is of the population and not excluded, and whether the care was given

Days count: what happened after the day in question counts for nothing, so that any day of the past
can be asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import msgspec

from subgraphs.insight.measures.definition import Criterion, Measure
from subgraphs.insight.store.database import Connection
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.sensitivity import SENSITIVE


class Lack(Enum):
    MISSING = "missing"
    OUT_OF_RANGE = "out-of-range"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The last time something was done, and what was measured then."""

    concept: str
    day: date
    value: Decimal | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one person who is of the population and not excluded."""

    person: str
    lack: Lack | None
    """None where the care was given."""
    due: date
    """Since when it is due, or from when it will be."""
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A fact that a measure counts, before it is decided whether the caller may know of it."""

    no: int
    person: str
    type: str
    concept: str
    labels: frozenset[str]
    sources: frozenset[str]
    subjects: frozenset[str]

    @property
    def tokens(self) -> Mapping[str, frozenset[str]]:
        """None: whoever's scopes have parameters is told nothing that is computed."""
        return {}


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose records: a FROM clause of `person, source, patient, birth`, and its parameters."""

    sql: str
    values: Mapping[str, Any]

    @classmethod
    def everybody(cls) -> Asked:
        return cls("SELECT person, source, patient, birth FROM member WHERE person IS NOT NULL", {})

    @classmethod
    def of(cls, people: Sequence[tuple[str, Sequence[tuple[str, str]], str | None]]) -> Asked:
        """Each a person's id, the source and id of each record, and the day of birth."""
        rows = [
            (person, source, patient, birth)
            for person, links, birth in people
            for source, patient in links
        ]
        columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
        names = ("person", "source", "patient", "birth")
        types = ("VARCHAR", "VARCHAR", "VARCHAR", "DATE")
        parts = (f"unnest($a_{n}::{t}[]) AS {n}" for n, t in zip(names, types, strict=True))
        values = {f"a_{n}": list(column) for n, column in zip(names, columns, strict=True)}
        return cls(f"SELECT {', '.join(parts)}", values)


def told(cursor: Connection, asked: Asked, concepts: Sequence[str]) -> list[Told]:
    """Every fact about some concepts, with all the labels that close it."""
    rows = cursor.execute(
        f"WITH {_FACTS.format(asked=asked.sql)} SELECT {_TOLD} FROM facts",  # noqa: S608 - a text of ours
        {**asked.values, "concepts": list(concepts)},
    ).fetchall()
    return [
        Told(no, person, type_, concept, *map(frozenset, sets))
        for no, person, type_, concept, *sets in rows
    ]


def concerned(
    cursor: Connection, concepts: Sequence[str]
) -> tuple[list[str], dict[str, tuple[Link, ...]]]:
    """Of whom something is known by these concepts: who has labelled records, and all links."""
    everybody = Asked.everybody()
    facts = f"WITH {_OPEN.format(asked=everybody.sql)}"
    given = {**everybody.values, "concepts": list(concepts), "sensitive": sorted(SENSITIVE)}
    closed = cursor.execute(f"{facts} SELECT DISTINCT person FROM shut", given).fetchall()  # noqa: S608 - a text of ours
    links = cursor.execute(
        f"{facts} SELECT person, any_value(links) FROM member "  # noqa: S608 - a text of ours
        "WHERE person IN (SELECT person FROM told) AND $sensitive IS NOT NULL GROUP BY person",
        given,
    ).fetchall()
    read = msgspec.json.Decoder(tuple[Link, ...]).decode
    return [person for (person,) in closed], {person: read(text) for person, text in links}


def evaluate(
    cursor: Connection,
    measure: Measure,
    asked: Asked,
    on: date,
    *,
    hidden: Sequence[int] | None = None,
) -> list[Outcome]:
    """Of everybody meant. `hidden` are facts that do not count; if left out, labelled ones."""
    sql, values = statement(measure, asked, on, hidden)
    count = len(measure.care.criteria)
    rows = cursor.execute(
        f"{sql} SELECT person, lack, due, "  # noqa: S608 - of names and numbers of ours
        + ", ".join(f"day_{i}, value_{i}, sources_{i}" for i in range(count))
        + " FROM outcome",
        values,
    ).fetchall()
    concepts = [criterion.concept for criterion in measure.care.criteria]
    return [
        Outcome(person, Lack(lack) if lack else None, due, tuple(_evidence(concepts, rest)))
        for person, lack, due, *rest in rows
    ]


def _evidence(concepts: Sequence[str], rest: Sequence[Any]) -> Iterator[Evidence]:
    for place, concept in enumerate(concepts):
        day, value, sources = rest[3 * place : 3 * place + 3]
        if day is not None:
            yield Evidence(concept, day, value, tuple(sorted(sources)))


def statement(
    measure: Measure, asked: Asked, on: date, hidden: Sequence[int] | None = None
) -> tuple[str, dict[str, Any]]:
    """Common table expressions up to `outcome`, and their parameters."""
    values = {**asked.values, "concepts": sorted(measure.concepts), "on": on}
    if measure.population.sex is not None:
        values["sex"] = measure.population.sex
    if hidden is None:
        values["sensitive"] = sorted(SENSITIVE)
        facts, source, counted = _OPEN, "facts", "true"
    else:
        values["hidden"] = list(hidden)
        facts, source, counted = _ASKED, "told", "no NOT IN (SELECT unnest($hidden::BIGINT[]))"
    parts = [
        facts.format(asked=asked.sql),
        f"counted AS (SELECT * FROM {source} WHERE {counted} AND day <= $on)",  # noqa: S608 - as above
        *(_criterion(i, c) for i, c in enumerate(measure.care.criteria)),
        _population(measure),
        _outcome(measure),
    ]
    return f"WITH {', '.join(parts)}", values


_TOLD: Final = "no, person, type, concept, labels, sources, subjects"
# Records of one thing on one day are one fact, whose labels, sources and codes are those of all.
# And a label that a source put on one closes all of the person's about the same, of that type.
_ASKED: Final = """
asked AS ({asked}),
told AS (SELECT a.person, f.*,
    CASE WHEN f.type = 'Condition' THEN NULL ELSE f.day END AS whenever
    FROM fact f JOIN asked a USING (source, patient)
    WHERE f.concept IN (SELECT unnest($concepts::VARCHAR[]))),
marks AS (SELECT DISTINCT a.person, s.type, s.subject, s.label
    FROM sensitive s JOIN asked a USING (source, patient)),
closed AS (SELECT about.no, list(DISTINCT m.label) AS labels
    FROM (SELECT no, person, type, unnest(subjects) AS subject FROM told
        WHERE person IN (SELECT person FROM marks)) about
    JOIN marks m USING (person, type, subject) GROUP BY about.no)"""
_GATHERED: Final = """,
facts AS (SELECT t.* EXCLUDE (labels, subjects),
    flatten(list(list_concat(t.labels, coalesce(c.labels, []))) OVER same) AS labels,
    list(t.source) OVER same AS sources, flatten(list(t.subjects) OVER same) AS subjects
    FROM told t LEFT JOIN closed c USING (no)
    WINDOW same AS (PARTITION BY t.person, t.type, t.concept, t.whenever))"""
# The same for everybody, without what is closed: few are, so that nothing is gathered of the rest.
_UNCLOSED: Final = """,
shut AS (SELECT DISTINCT person, type, concept, whenever FROM told LEFT JOIN closed USING (no)
    WHERE closed.no IS NOT NULL OR list_has_any(told.labels, $sensitive)),
facts AS (SELECT t.* FROM told t ANTI JOIN shut s ON t.person = s.person AND t.type = s.type
    AND t.concept = s.concept AND t.whenever IS NOT DISTINCT FROM s.whenever)"""
_FACTS: Final = _ASKED + _GATHERED
_OPEN: Final = _ASKED + _UNCLOSED


def _criterion(place: int, criterion: Criterion) -> str:
    """The last day of it; of several values of that day the lowest, as control is judged by."""
    has = "value IS NOT NULL" if criterion.limit else "has_value"
    return (
        f"c{place} AS (SELECT person, max(day) AS day, min(value) AS value, "  # noqa: S608 - as above
        f"list(DISTINCT source) AS sources FROM (SELECT *, max(day) OVER (PARTITION BY person) AS "
        f"last FROM counted WHERE concept = '{criterion.concept}' AND {has}) "
        f"WHERE day = last GROUP BY person)"
    )


def _population(measure: Measure) -> str:
    population = measure.population
    first, last = population.ages
    joins, begins, wanted = [], [f"CAST(birth + INTERVAL {first} YEAR AS DATE)"], []
    for place, concept in enumerate(population.conditions):
        joins.append(
            f"JOIN (SELECT person, min(day) AS day FROM counted WHERE concept = '{concept}' "  # noqa: S608 - as above
            f"AND (until IS NULL OR until > $on) GROUP BY person) AS d{place} USING (person)"
        )
        begins.append(f"d{place}.day")
    if population.sex is not None:
        wanted.append("sex = $sex")
    for criterion in measure.exclusions:
        # Without a time it is a condition that lasts, or what was done once for all.
        since = (
            f"day > {criterion.window.sql_start('$on')}"
            if criterion.window
            else "(until IS NULL OR until > $on)"
        )
        wanted.append(
            f"person NOT IN (SELECT person FROM counted WHERE concept = '{criterion.concept}' "  # noqa: S608 - as above
            f"AND {since})"
        )
    where = "".join(f" AND {each}" for each in wanted)
    return (
        "people AS (SELECT a.person, any_value(a.birth) AS birth, "  # noqa: S608 - as above
        "arg_max(m.sex, m.updated) AS sex, bool_or(m.has_died) AS has_died FROM asked a "
        "JOIN member m USING (source, patient) WHERE m.is_active GROUP BY a.person), "
        f"meant AS (SELECT person, greatest({', '.join(begins)}) AS begins FROM people "
        f"{' '.join(joins)} WHERE NOT has_died "
        f"AND date_sub('year', birth, $on) BETWEEN {first} AND {last}{where})"
    )


def _outcome(measure: Measure) -> str:
    criteria = measure.care.criteria
    joins, shown, given, timely, dues = [], [], [], [], []
    for place, criterion in enumerate(criteria):
        window = criterion.window
        assert window is not None, "whatever is care counts within a time"
        day = f"c{place}.day"
        joins.append(f"LEFT JOIN c{place} USING (person)")
        shown.append(
            f"{day} AS day_{place}, c{place}.value AS value_{place}, "
            f"c{place}.sources AS sources_{place}"
        )
        in_time = f"coalesce({day} > {window.sql_start('$on')}, false)"
        timely.append(in_time)
        limit = criterion.limit
        kept = f" AND c{place}.value {limit[0]} {limit[1]}" if limit else ""
        given.append(f"({in_time}{kept})")
        # What is out of its range has been due since it was found to be.
        dues.append(
            f"CASE WHEN {in_time} AND NOT ({in_time}{kept}) THEN {day} "
            f"ELSE {window.sql_due(day, '$on')} END"
        )
    is_any = bool(measure.care.any)
    joined = " OR " if is_any else " AND "
    due = f"{'greatest' if is_any else 'least'}({', '.join(dues)})"
    started = "begins" if all(c.window and c.window.season is None for c in criteria) else due
    return (
        f"outcome AS (SELECT person, CASE WHEN {joined.join(given)} THEN NULL "  # noqa: S608 - as above
        f"WHEN {joined.join(timely)} THEN '{Lack.OUT_OF_RANGE.value}' "
        f"ELSE '{Lack.MISSING.value}' END AS lack, "
        f"coalesce({due}, {started}) AS due, {', '.join(shown)} FROM meant {' '.join(joins)})"
    )
