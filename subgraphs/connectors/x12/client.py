"""Ask a clearinghouse about many members, or many claims, in one HTTP call."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar, TypeVar

import httpx2

from subgraphs.connectors.connector import NOBODY, Connector
from subgraphs.connectors.x12.benefits import MemberAnswer, read_answers
from subgraphs.connectors.x12.claim_status import ClaimStatus
from subgraphs.connectors.x12.eligibility import Eligibility, read_eligibility
from subgraphs.connectors.x12.inquiry import Inquiry, write_inquiry
from subgraphs.connectors.x12.segments import read_interchange
from subgraphs.connectors.x12.settings import TradingPartner, X12Source
from subgraphs.connectors.x12.status_answer import read_status_answers
from subgraphs.connectors.x12.status_inquiry import StatusInquiry, write_status_inquiry
from subgraphs.connectors.x12.writing import (
    ELIGIBILITY_INQUIRY,
    STATUS_INQUIRY,
    Envelope,
    Guide,
    trace,
)

INVALID_MEMBER_ID = "72"

AskedT = TypeVar("AskedT")


def _now() -> datetime:
    return datetime.now(UTC)


class ClearinghouseClient(Connector[TradingPartner]):
    """One per clearinghouse."""

    settings: ClassVar[type[TradingPartner]] = X12Source

    def __init__(
        self,
        config: TradingPartner,
        client: httpx2.AsyncClient,
        *,
        now: Callable[[], datetime] = _now,
    ) -> None:
        super().__init__(config, client)
        self._now = now

    async def probe(self) -> tuple[str, ...]:
        offers = []
        if "270" in self.config.transactions:
            await self.inquire([Inquiry(NOBODY)])
            offers.append(ELIGIBILITY_INQUIRY.version)
        if "276" in self.config.transactions:
            await self.statuses([StatusInquiry(NOBODY, None, account=NOBODY)])
            offers.append(STATUS_INQUIRY.version)
        return tuple(offers)

    async def inquire(self, inquiries: Iterable[Inquiry]) -> Mapping[Inquiry, Eligibility]:
        """What the payer says about each inquiry; one it says nothing about is left out."""
        asked = list(dict.fromkeys(inquiries))
        found = {
            inquiry: Eligibility(rejections=(INVALID_MEMBER_ID,))
            for inquiry in asked
            if not inquiry.is_askable
        }
        askable = [inquiry for inquiry in asked if inquiry.is_askable]
        return found | (await self._exchange(askable) if askable else {})

    async def statuses(
        self, inquiries: Iterable[StatusInquiry]
    ) -> Mapping[StatusInquiry, list[ClaimStatus]]:
        """What the payer says of each claim; one it says nothing about is left out."""
        asked = [each for each in dict.fromkeys(inquiries) if each.is_askable]
        if not asked:
            return {}
        envelope = self._envelope()
        content = write_status_inquiry(self.config, envelope, asked)
        answer = await self.send(STATUS_INQUIRY, content)
        return read_status_answers(read_interchange(answer), _traced(envelope, asked))

    async def send(self, guide: Guide, content: bytes) -> bytes:  # noqa: ARG002 - it tells itself
        """The interchange that answers this one, which is of the guide."""
        answer = await self._client.post(
            self.config.url,
            content=content,
            headers={"Content-Type": "application/edi-x12"},
            # Asking changes nothing at the payer.
            extensions={"idempotent": True},
        )
        return answer.content

    async def _exchange(self, asked: list[Inquiry]) -> dict[Inquiry, Eligibility]:
        envelope = self._envelope()
        content = write_inquiry(self.config, envelope, asked)
        answer = await self.send(ELIGIBILITY_INQUIRY, content)
        members = read_answers(read_interchange(answer), envelope.reference)
        return _attributed(members, _traced(envelope, asked))

    def _envelope(self) -> Envelope:
        control = secrets.randbelow(999_999_999) + 1
        return Envelope(control, f"CG{secrets.token_hex(8).upper()}", self._now())


def _traced(envelope: Envelope, asked: Sequence[AskedT]) -> dict[str, AskedT]:
    """By the trace number, which the answer repeats."""
    return {trace(envelope, place): inquiry for place, inquiry in enumerate(asked)}


def _attributed(
    members: Iterable[MemberAnswer], traced: Mapping[str, Inquiry]
) -> dict[Inquiry, Eligibility]:
    """By trace number, which only a subscriber refused on behalf of a dependent comes without."""
    found: dict[Inquiry, Eligibility] = {}
    for member in members:
        inquiry = traced.get(member.trace)
        if inquiry is not None and member.member_id in {"", inquiry.member_id}:
            found[inquiry] = read_eligibility(member, inquiry.service_type)
        elif not member.trace and member.rejections:
            asked = traced.values()
            dependents = [i for i in asked if i.dependent and i.member_id == member.member_id]
            found |= {i: read_eligibility(member, i.service_type) for i in dependents}
    return found
