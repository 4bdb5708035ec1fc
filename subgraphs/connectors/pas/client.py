"""A payer's two operations. Each is asked about one patient: the guide knows no other way."""

from __future__ import annotations

import asyncio

import httpx2

from subgraphs.connectors.config import DaVinciPasSource
from subgraphs.connectors.pas.answers import PasAnswer, read_answer, read_inquiry

_FHIR_JSON = {"Content-Type": "application/fhir+json"}


class PasClient:
    """`client` comes from `open_client`."""

    def __init__(self, config: DaVinciPasSource, client: httpx2.AsyncClient) -> None:
        self.config = config
        self._client = client

    async def submit(self, bundle: bytes) -> PasAnswer:
        """Ask for a decision, once: whether it arrived when no answer comes is for `inquire`."""
        answer = await self._client.post("Claim/$submit", content=bundle, headers=_FHIR_JSON)
        return await asyncio.to_thread(read_answer, answer.content)

    async def inquire(self, bundle: bytes) -> list[PasAnswer]:
        """What the payer has that is like the example in the Bundle. Asking changes nothing."""
        answer = await self._client.post(
            "Claim/$inquire",
            content=bundle,
            headers=_FHIR_JSON,
            extensions={"idempotent": True},
        )
        return await asyncio.to_thread(read_inquiry, answer.content)
