"""Whether a source is reachable, takes our credentials and speaks its protocol.

Each is asked about something that does not exist, so a check reads nobody's data.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

import httpx2

from subgraphs.connectors.config import (
    CoreSource,
    DaVinciPasSource,
    FhirSource,
    InboxSource,
    PaymentSource,
    SourceConfig,
    TelehealthSource,
    TwilioSource,
    X12Source,
    ZoomSource,
)
from subgraphs.connectors.core.client import CoreClient
from subgraphs.connectors.errors import SourceState, UpstreamError
from subgraphs.connectors.fhir.capabilities import fetch_capabilities
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.payments.gateway import PaymentGateway
from subgraphs.connectors.telehealth.client import TelehealthClient
from subgraphs.connectors.telehealth.twilio import TwilioClient
from subgraphs.connectors.telehealth.zoom import ZoomClient
from subgraphs.connectors.transport import open_client
from subgraphs.connectors.x12.client import EligibilityClient
from subgraphs.connectors.x12.inquiry import Inquiry

NOBODY = "chartgraph-probe"
NO_MEETING = "10000000000"


@dataclass(frozen=True, slots=True)
class Probe:
    source: str
    state: SourceState
    seconds: float
    message: str
    """What is wrong, in words that are safe to show; empty if nothing is."""
    offers: tuple[str, ...] = ()
    """What the source says it can do, for example `FHIR 4.0.1`, `batch`."""


async def probe(config: SourceConfig, *, network: httpx2.AsyncBaseTransport | None = None) -> Probe:
    if isinstance(config, InboxSource):
        # Nobody is asked: it tells us.
        return Probe(config.id, SourceState.OK, 0.0, "", ("HL7 v2 ADT, ORU, SIU",))
    started = time.perf_counter()
    state, message = SourceState.OK, ""
    offers: tuple[str, ...] = ()
    async with open_client(config, network=network) as client:
        try:
            offers = await _ask(config, client)
        except UpstreamError as error:
            state, message = error.state, str(error)
    return Probe(config.id, state, time.perf_counter() - started, message, offers)


async def _ask(config: SourceConfig, client: httpx2.AsyncClient) -> tuple[str, ...]:
    match config:
        case FhirSource():
            server = FhirServer(config, client)
            said = await server.capabilities()
            await server.read("Patient", [NOBODY])
            offers = (f"FHIR {said.fhir_version}", said.software, "batch" if said.batch else "")
            return tuple(offer for offer in offers if offer)
        case CoreSource():
            await CoreClient(config, client).inquire([Inquiry(NOBODY)])
            return ("005010X279A1",)
        case DaVinciPasSource():
            said = await fetch_capabilities(client)
            return tuple(offer for offer in (f"FHIR {said.fhir_version}", said.software) if offer)
        case X12Source():
            await EligibilityClient(config, client).inquire([Inquiry(NOBODY)])
            return ("005010X279A1",)
        case PaymentSource():
            await PaymentGateway(config, client).find(str(UUID(int=0)))
        case TelehealthSource():
            await TelehealthClient(config, client).visits([NOBODY])
        case ZoomSource():
            await ZoomClient(config, client, {}).visits([NO_MEETING])
        case TwilioSource():
            await TwilioClient(config, client, (NOBODY, NOBODY.encode())).visits([NOBODY])
    return ()
