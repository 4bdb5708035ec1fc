"""Dates and times compared with no more precision than they were recorded in."""

from __future__ import annotations

from datetime import MAXYEAR, UTC, date, datetime, timedelta
from typing import Final

from subgraphs.runtime.scalars import instant, rank

_DAY: Final = len("YYYY-MM-DD")
_SECOND: Final = len("YYYY-MM-DDTHH:MM:SS")


def has_time(text: str | None) -> bool:
    return text is not None and len(text) > _DAY


def day_of(text: str | None) -> str:
    """The day in UTC, empty without one; of a year or a month the first."""
    return rank(text)[:_DAY]


def last_moment(text: str) -> datetime:
    """The latest moment a date or time can mean, in UTC: of a day, a month or a year its end."""
    first = instant(text)
    if has_time(text):
        return first
    if first.year == MAXYEAR:
        return datetime.max.replace(tzinfo=UTC)
    match text.count("-"):
        case 0:
            following = first.replace(year=first.year + 1)
        case 1:
            following = (first + timedelta(days=31)).replace(day=1)
        case _:
            following = first + timedelta(days=1)
    return following - timedelta(microseconds=1)


def moments_agree(one: str, other: str) -> bool:
    """Whether two dates or times can be the same: `2020`, `2020-05-17` and `2020-05-17T08:00:00Z`.

    A time is compared to the second. The day of a time is that where it was written, or UTC's.
    """
    coarse, fine = sorted((one, other), key=len)
    if has_time(coarse):
        return bool(rank(coarse)) and rank(coarse)[:_SECOND] == rank(fine)[:_SECOND]
    return fine.startswith(coarse) or rank(fine).startswith(coarse)


def apart_on_a_day(one: str | None, other: str | None) -> int | None:
    """0 for one time or one day, 1 where one of them is the day alone: less is surer.

    None where they are two events: two times of one day, two days, or a moment not known.
    """
    if one is None or other is None or not moments_agree(one, other):
        return None
    return 0 if has_time(one) == has_time(other) else 1


def days_between(one: str | None, other: str | None) -> int | None:
    """None unless both are known."""
    first, second = rank(one), rank(other)
    if not first or not second:
        return None
    return abs(_ordinal(first) - _ordinal(second))


def _ordinal(ranked: str) -> int:
    return date.fromisoformat(ranked[:_DAY]).toordinal()
