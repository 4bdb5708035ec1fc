"""A payer's eligibility desk: what a 270 needs is drawn from the coverage and the member."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from subgraphs.connectors.x12.eligibility import Eligibility
from subgraphs.connectors.x12.inquiry import Inquiry
from subgraphs.connectors.x12.writing import Person
from subgraphs.coverage.model.coverages import CoverageResource
from subgraphs.coverage.model.payers import Member
from subgraphs.coverage.sources.payer import Payer


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a member is covered for a service, under one coverage."""

    patient: str
    """The member's id at the payer."""
    coverage: CoverageResource
    service_type: str


class Inquirer(Protocol):
    async def inquire(self, inquiries: Iterable[Inquiry]) -> Mapping[Inquiry, Eligibility]: ...


class EligibilityDesk:
    """Whatever the number of questions: one call for the members, one for the benefits."""

    def __init__(self, source: str, payer: Payer, clearinghouse: Inquirer) -> None:
        self.source = source
        self._payer = payer
        self._clearinghouse = clearinghouse

    async def ask(self, questions: Sequence[Question]) -> list[Eligibility | None]:
        """In the order of the questions; None where the payer says nothing."""
        members = await self._payer.members(sorted({q.patient for q in questions}))
        inquiries = [_inquiry(q, members.get(q.patient)) for q in questions]
        answers = await self._clearinghouse.inquire(i for i in inquiries if i is not None)
        return [answers.get(inquiry) if inquiry else None for inquiry in inquiries]


def _inquiry(question: Question, member: Member | None) -> Inquiry | None:
    """A member with a number of their own is asked about by it, others by the subscriber's."""
    coverage, person = question.coverage, _person(member)
    if coverage.member_number:
        return Inquiry(coverage.member_number, question.service_type, person)
    if not coverage.subscriber_id:
        return None
    if coverage.is_subscribers_own:
        return Inquiry(coverage.subscriber_id, question.service_type, person)
    if person is None:
        # The number alone would ask about the subscriber.
        return None
    return Inquiry(coverage.subscriber_id, question.service_type, dependent=person)


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
