"""By which number a payer knows a member, and who that is: what every X12 inquiry begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from subgraphs.connectors.x12.writing import Person
from subgraphs.coverage.model.coverages import CoverageResource
from subgraphs.coverage.model.payers import Member


@dataclass(frozen=True, slots=True)
class Insured:
    """A member of their own is `person`; whoever is covered by another's number is `dependent`."""

    member_id: str
    person: Person | None
    dependent: Person | None = None


def insured(
    patient: str, coverage: CoverageResource, members: Mapping[str, Member]
) -> Insured | None:
    """A member with a number of their own is asked about by it, others by the subscriber's."""
    person = _person(members.get(patient))
    if coverage.member_number:
        return Insured(coverage.member_number, person)
    if not coverage.subscriber_id:
        return None
    if coverage.is_subscribers_own:
        return Insured(coverage.subscriber_id, person)
    if person is None:
        # The number alone would ask about the subscriber.
        return None
    subscriber = members.get(subscriber_of(coverage) or "")
    return Insured(coverage.subscriber_id, _person(subscriber), dependent=person)


def subscriber_of(coverage: CoverageResource) -> str | None:
    """The id of the subscriber who is another member."""
    return coverage.subscriber.id_of("Patient") if coverage.subscriber else None


def _person(member: Member | None) -> Person | None:
    if member is None or not member.name:
        return None
    name = next((n for n in member.name if n.use == "official"), member.name[0])
    given = next((part for part in name.given if part), "")
    return Person(name.family or "", given, _birth_date(member.birth_date))


def _birth_date(text: str | None) -> date | None:
    # A partial date identifies nobody.
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
