"""FHIR's dates and decimals as GraphQL scalars: exactly as recorded, never rounded or completed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

Date = NewType("Date", str)
DateTime = NewType("DateTime", str)

# https://hl7.org/fhir/R4/datatypes.html#date and #dateTime
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
_DATE_TIME = re.compile(
    _DATE.pattern + r"|\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
    r"(Z|[+-]\d\d:\d\d)"
)


def _parse_date(value: object) -> Date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        return Date(value)
    raise GraphQLError("expected a date: YYYY, YYYY-MM or YYYY-MM-DD")


def _parse_date_time(value: object) -> DateTime:
    if isinstance(value, str) and _DATE_TIME.fullmatch(value):
        try:
            instant(value)
        except (ValueError, OverflowError):
            pass
        else:
            return DateTime(value)
    raise GraphQLError("expected a date and time with its offset")


def _parse_decimal(value: object) -> Decimal:
    if isinstance(value, str | int) and not isinstance(value, bool):
        try:
            parsed = Decimal(value)
        except ArithmeticError:
            parsed = Decimal("NaN")
        if parsed.is_finite():
            return parsed
    raise GraphQLError("expected a decimal number as a string")


SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    Date: strawberry.scalar(
        name="Date",
        description="A date as precise as it was recorded: `2014`, `2014-05` or `2014-05-25`.",
        specified_by_url="https://hl7.org/fhir/R4/datatypes.html#date",
        serialize=str,
        parse_value=_parse_date,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A date, or a date and time with its offset, as precise as it was recorded: "
        "`2014`, `2014-05-25` or `2014-05-25T09:30:00+02:00`.",
        specified_by_url="https://hl7.org/fhir/R4/datatypes.html#dateTime",
        serialize=str,
        parse_value=_parse_date_time,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="An exact decimal number as a string, with the precision it was recorded in: "
        '`"72.50"` is not `"72.5"`.',
        specified_by_url="https://hl7.org/fhir/R4/datatypes.html#decimal",
        serialize=str,
        parse_value=_parse_decimal,
    ),
}


def instant(text: str) -> datetime:
    """The earliest moment a partial date or dateTime can mean, in UTC, to sort and compare by."""
    completed = text + "0001-01-01"[len(text) :] if len(text) < len("YYYY-MM-DD") else text
    moment = datetime.fromisoformat(completed.replace(":60", ":59"))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


# A dozen times for every row, mostly of the same few texts: read once they cost a tenth.
@lru_cache(maxsize=16_384)
def rank(text: str | None) -> str:
    """A text that sorts like the moment; without a readable moment, before all others."""
    try:
        return instant(text).isoformat(timespec="microseconds") if text else ""
    except (ValueError, OverflowError):
        return ""


def date_time(moment: datetime | str | None) -> DateTime | None:
    if isinstance(moment, datetime):
        return exact(moment)
    return DateTime(moment) if moment else None


def exact(moment: datetime) -> DateTime:
    """A moment of our own, to the second."""
    return DateTime(moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))
