"""A payer's two operations. Each is asked about one patient: the guide knows no other way."""

from __future__ import annotations

import asyncio
from pathlib import Path

from subgraphs.connectors.connector import Connector
from subgraphs.connectors.fhir.capabilities import fetch_capabilities
from subgraphs.connectors.pas.answers import PasAnswer, read_answer, read_inquiry
from subgraphs.connectors.requesting import RequestingSource

_FHIR_JSON = {"Content-Type": "application/fhir+json"}


class DaVinciPasSource(RequestingSource, frozen=True, kw_only=True, tag="davinci-pas"):
    """Where requests for prior authorization go: the payer's own server, or one in front of it."""

    media_types = ("application/fhir+json", "application/json")

    notification_token_file: Path | None = None
    """What its subscription shows as a bearer token with each notification; without it, none is
    taken."""


class PasClient(Connector[DaVinciPasSource]):
    settings = DaVinciPasSource

    async def probe(self) -> tuple[str, ...]:
        said = await fetch_capabilities(self._client)
        return tuple(offer for offer in (f"FHIR {said.fhir_version}", said.software) if offer)

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
