"""Where a payer is asked how claims stand: what a 276 needs is drawn from claim and coverage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from subgraphs.connectors.x12.claim_status import ClaimStatus
from subgraphs.connectors.x12.elements import Dates
from subgraphs.connectors.x12.status_inquiry import Provider, StatusInquiry
from subgraphs.connectors.x12.writing import is_writable
from subgraphs.coverage.model.coverages import CoverageResource
from subgraphs.coverage.model.payers import Member
from subgraphs.coverage.sources.insured import insured, subscriber_of
from subgraphs.coverage.sources.payer import Payer


@dataclass(frozen=True, slots=True)
class StatusQuestion:
    """How a claim stands that was sent to a payer under a coverage."""

    patient: str
    """The member's id at the payer."""
    coverage: CoverageResource
    account: str
    """The provider's number of it, and the payer's: empty where none is known for certain."""
    payer_claim: str
    charged: Decimal | None
    days: tuple[str, str] | None
    provider: Provider | None


class StatusInquirer(Protocol):
    async def statuses(
        self, inquiries: Iterable[StatusInquiry]
    ) -> Mapping[StatusInquiry, list[ClaimStatus]]: ...


class StatusDesk:
    """Whatever the number of claims: one call for the members, one for the statuses."""

    def __init__(self, source: str, payer: Payer, clearinghouse: StatusInquirer) -> None:
        self.source = source
        self._payer = payer
        self._clearinghouse = clearinghouse

    async def ask(
        self, questions: Sequence[StatusQuestion]
    ) -> list[tuple[ClaimStatus, ...] | None]:
        """In the order of the questions; None where there is nothing to ask by."""
        named = {q.patient for q in questions}
        named |= {other for q in questions if (other := subscriber_of(q.coverage))}
        members = await self._payer.members(sorted(named))
        inquiries = [_inquiry(question, members) for question in questions]
        answers = await self._clearinghouse.statuses(i for i in inquiries if i is not None)
        return [tuple(answers.get(i, ())) if i else None for i in inquiries]


def _inquiry(question: StatusQuestion, members: Mapping[str, Member]) -> StatusInquiry | None:
    whom = insured(question.patient, question.coverage, members)
    if whom is None or not is_writable(whom.member_id):
        return None
    # A number that X12 cannot write is left out: days and charge tell the claim, too.
    account, payer_claim = (
        number if is_writable(number) else "" for number in (question.account, question.payer_claim)
    )
    return StatusInquiry(
        whom.member_id,
        whom.person,
        whom.dependent,
        account,
        payer_claim,
        question.charged,
        _dates(question.days),
        question.provider,
    )


def _dates(days: tuple[str, str] | None) -> Dates | None:
    try:
        return Dates(*map(date.fromisoformat, days)) if days else None
    except ValueError:
        return None
