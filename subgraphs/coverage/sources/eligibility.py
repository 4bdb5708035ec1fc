"""A payer's eligibility desk: what a 270 needs is drawn from the coverage and the member."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from subgraphs.connectors.x12.eligibility import Eligibility
from subgraphs.connectors.x12.inquiry import Inquiry
from subgraphs.coverage.model.coverages import CoverageResource
from subgraphs.coverage.model.payers import Member
from subgraphs.coverage.sources.insured import insured
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
        inquiries = [_inquiry(question, members) for question in questions]
        answers = await self._clearinghouse.inquire(i for i in inquiries if i is not None)
        return [answers.get(inquiry) if inquiry else None for inquiry in inquiries]


def _inquiry(question: Question, members: Mapping[str, Member]) -> Inquiry | None:
    whom = insured(question.patient, question.coverage, members)
    if whom is None:
        return None
    return Inquiry(whom.member_id, question.service_type, whom.person, whom.dependent)
