"""Ask a clearinghouse about many members in one HTTP call."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

import httpx2

from subgraphs.connectors.connector import NOBODY, Connector
from subgraphs.connectors.x12.benefits import MemberAnswer, read_answers
from subgraphs.connectors.x12.eligibility import Eligibility, read_eligibility
from subgraphs.connectors.x12.inquiry import Inquiry, write_inquiry
from subgraphs.connectors.x12.segments import read_interchange
from subgraphs.connectors.x12.settings import TradingPartner, X12Source
from subgraphs.connectors.x12.writing import Envelope, trace

INVALID_MEMBER_ID = "72"


def _now() -> datetime:
    return datetime.now(UTC)


class EligibilityClient(Connector[TradingPartner]):
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
        await self.inquire([Inquiry(NOBODY)])
        return ("005010X279A1",)

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

    async def _exchange(self, asked: list[Inquiry]) -> dict[Inquiry, Eligibility]:
        control = secrets.randbelow(999_999_999) + 1
        envelope = Envelope(control, f"CG{secrets.token_hex(8).upper()}", self._now())
        answer = await self.send(write_inquiry(self.config, envelope, asked))
        members = read_answers(read_interchange(answer), envelope.reference)
        return _attributed(members, asked, envelope)

    async def send(self, content: bytes) -> bytes:
        """The interchange that answers this one."""
        answer = await self._client.post(
            self.config.url,
            content=content,
            headers={"Content-Type": "application/edi-x12"},
            # Asking changes nothing at the payer.
            extensions={"idempotent": True},
        )
        return answer.content


def _attributed(
    members: Iterable[MemberAnswer], asked: Sequence[Inquiry], envelope: Envelope
) -> dict[Inquiry, Eligibility]:
    """By trace number, which only a subscriber refused on behalf of a dependent comes without."""
    traced = {trace(envelope, place): inquiry for place, inquiry in enumerate(asked)}
    found: dict[Inquiry, Eligibility] = {}
    for member in members:
        inquiry = traced.get(member.trace)
        if inquiry is not None and member.member_id in {"", inquiry.member_id}:
            found[inquiry] = read_eligibility(member, inquiry.service_type)
        elif not member.trace and member.rejections:
            dependents = [i for i in asked if i.dependent and i.member_id == member.member_id]
            found |= {i: read_eligibility(member, i.service_type) for i in dependents}
    return found
