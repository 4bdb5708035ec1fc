"""Eligibility and claim status of many members, in one CORE envelope each."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import httpx2

from subgraphs.connectors.core.exchange import CLAIM_STATUS, ELIGIBILITY, CoreExchange
from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.x12.claim_status import ClaimStatus, read_claim_statuses
from subgraphs.connectors.x12.client import EligibilityClient
from subgraphs.connectors.x12.segments import read_interchange
from subgraphs.connectors.x12.settings import CoreSource
from subgraphs.connectors.x12.status_inquiry import StatusInquiry, write_status_inquiry
from subgraphs.connectors.x12.writing import Envelope, trace


class CoreClient(EligibilityClient):
    """Answers as a clearinghouse without envelopes does."""

    settings = CoreSource

    def __init__(
        self,
        config: CoreSource,
        client: httpx2.AsyncClient,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(config, client, now=now)
        self._core = CoreExchange(config, client, now=now)

    async def send(self, content: bytes) -> bytes:
        return await self._core.exchange(ELIGIBILITY, content)

    async def statuses(
        self, inquiries: Iterable[StatusInquiry]
    ) -> Mapping[StatusInquiry, list[ClaimStatus]]:
        """What the payer says of each claim; one it says nothing about is left out."""
        asked = [each for each in dict.fromkeys(inquiries) if each.is_askable]
        if not asked:
            return {}
        control = secrets.randbelow(999_999_999) + 1
        envelope = Envelope(control, f"CG{secrets.token_hex(8).upper()}", self._now())
        content = write_status_inquiry(self.config, envelope, asked)
        answer = read_interchange(await self._core.exchange(CLAIM_STATUS, content))
        if any(transaction.kind != "277" for transaction in answer):
            raise ProtocolViolation("the inquiry was not answered with a 277")
        traced = {trace(envelope, place): inquiry for place, inquiry in enumerate(asked)}
        found: dict[StatusInquiry, list[ClaimStatus]] = {}
        for status in (each for t in answer for each in read_claim_statuses(t)):
            inquiry = traced.get(status.trace)
            if inquiry is not None and _is_about(status, inquiry):
                found.setdefault(inquiry, []).append(status)
        return found


def _is_about(status: ClaimStatus, inquiry: StatusInquiry) -> bool:
    """A payer that answers about somebody else is not believed."""
    return status.subscriber is None or status.subscriber.id in {"", inquiry.member_id}
