"""What makes two sources' records of a relative one: the same name, and no other birth date."""

from __future__ import annotations

from typing import Final

from subgraphs.identity.index.names import plain
from subgraphs.identity.model import RelatedPersonResource
from subgraphs.runtime.fhir import HumanName
from subgraphs.runtime.kinds import Detail, Kind, changed


def name_of(record: RelatedPersonResource) -> HumanName | None:
    """The first that is not an old one."""
    return next((name for name in record.name if name.use != "old"), next(iter(record.name), None))


def _called(record: RelatedPersonResource) -> tuple[str, str] | None:
    name = name_of(record)
    family, given = (plain(name.family), plain(next(iter(name.given), None))) if name else ("", "")
    return (family, given) if family and given else None


def _apart(one: RelatedPersonResource, other: RelatedPersonResource) -> int | None:
    told = {record.birth_date for record in (one, other) if record.birth_date}
    return None if len(told) > 1 else 0


RELATED_PERSONS: Final[Kind[RelatedPersonResource]] = Kind(
    type="RelatedPerson",
    rank=changed,
    same=_called,
    distance=_apart,
    details=(
        Detail("gender", lambda record: record.gender),
        Detail("active", lambda record: record.active),
    ),
)
