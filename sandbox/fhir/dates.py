"""Dates as FHIR search compares them: a partial date is the interval of all it may mean.

https://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

# Half-open, in seconds since 1970.
Span: TypeAlias = tuple[float, float]

_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)"
    r"(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)
_PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(\d.*)", re.DOTALL)


def span_of(element: Any) -> Span:
    """A date, dateTime or instant, or a Period, whose open end reaches to infinity."""
    if isinstance(element, dict):
        start, end = element.get("start"), element.get("end")
        return (
            span(start)[0] if start else -math.inf,
            span(end)[1] if end else math.inf,
        )
    return span(element)


def span(text: str) -> Span:
    """Raises ValueError for what is no date."""
    found = _DATE.fullmatch(text)
    if not found:
        raise ValueError("not a date")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if month is None:
        return _epoch(int(year), 1, 1), _epoch(int(year) + 1, 1, 1)
    if day is None:
        following = int(year) * 12 + int(month)
        return _epoch(int(year), int(month), 1), _epoch(following // 12, following % 12 + 1, 1)
    if hour is None:
        start = _epoch(int(year), int(month), int(day))
        return start, start + timedelta(days=1).total_seconds()
    offset = "+00:00" if zone in (None, "Z") else zone
    moment = datetime.fromisoformat(
        f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}{offset}"
    ).timestamp()
    if fraction:
        return moment + float(f"0.{fraction}"), moment + float(f"0.{fraction}") + 0.001
    return moment, moment + (60.0 if second is None else 1.0)


def _epoch(year: int, month: int, day: int) -> float:
    return datetime(year, month, day, tzinfo=UTC).timestamp()


def split_prefix(text: str) -> tuple[str, str]:
    """`ge2024` → (`ge`, `2024`); no prefix means `eq`. Raises ValueError."""
    found = _PREFIXED.fullmatch(text)
    if not found:
        raise ValueError("not a date")
    return found[1] or "eq", found[2]


def compare(prefix: str, value: Span, wanted: Span) -> bool:  # noqa: PLR0911 - one case each
    (start, end), (wanted_start, wanted_end) = value, wanted
    within = wanted_start <= start and end <= wanted_end
    match prefix:
        case "eq":
            return within
        case "ne":
            return not within
        case "gt":
            return end > wanted_end
        case "ge":
            return end > wanted_end or within
        case "lt":
            return start < wanted_start
        case "le":
            return start < wanted_start or within
        case "sa":
            return start >= wanted_end
        case _:
            return end <= wanted_start
