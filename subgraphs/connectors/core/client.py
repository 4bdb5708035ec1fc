"""Eligibility and claim status of many members, in one CORE envelope each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import httpx2

from subgraphs.connectors.core.exchange import (
    CLAIM_STATUS,
    ELIGIBILITY,
    CoreExchange,
    Transaction,
)
from subgraphs.connectors.x12.client import ClearinghouseClient
from subgraphs.connectors.x12.settings import CoreSource
from subgraphs.connectors.x12.writing import ELIGIBILITY_INQUIRY, STATUS_INQUIRY, Guide

_ENVELOPED: Final[Mapping[Guide, Transaction]] = {
    ELIGIBILITY_INQUIRY: ELIGIBILITY,
    STATUS_INQUIRY: CLAIM_STATUS,
}


class CoreClient(ClearinghouseClient):
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

    async def send(self, guide: Guide, content: bytes) -> bytes:
        return await self._core.exchange(_ENVELOPED[guide], content)
