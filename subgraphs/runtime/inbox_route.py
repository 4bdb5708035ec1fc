"""The route by which a sender hands in one message, document or file, with its bearer token."""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import structlog

from contract.errors import Code
from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.hl7v2.acknowledgement import Verdict, acknowledge
from subgraphs.connectors.inbox.deliveries import (
    C_CDA,
    X12,
    Received,
    is_x12,
    is_xml,
    read_delivery,
)
from subgraphs.connectors.inbox.delivery import Delivery
from subgraphs.connectors.inbox.settings import InboxSource
from subgraphs.connectors.inbox.store import InboxStore
from subgraphs.runtime.app import Handler, refuse
from subgraphs.runtime.asgi import Reply

PATH: Final = "/inbox/"
HL7_V2: Final = b"application/hl7-v2"
JSON: Final = b"application/json"
_BEARER: Final = b"Bearer "
_UNPROCESSABLE: Final = 422

_log = structlog.get_logger(__name__)


Tell: TypeAlias = Callable[[str, Delivery], Awaitable[None]]
"""Whom what a source has delivered is news to."""


def inbox_route(
    config: InboxSource,
    token_file: Path,
    store: InboxStore,
    tell: Tell,
    now: Callable[[], datetime],
) -> Handler:
    """Answers a message with an ACK, anything else with JSON, once it is kept or was before."""
    source, token = config.id, token_file.read_bytes().strip()

    async def take(body: bytes, headers: Mapping[bytes, bytes]) -> Reply:
        shown = headers.get(b"authorization", b"")
        if not token or not hmac.compare_digest(shown, _BEARER + token):
            return refuse(Code.UNAUTHENTICATED)
        try:
            # A document takes long enough for others to have to wait.
            received = await asyncio.to_thread(read_delivery, body, config, store)
        except UpstreamError as error:
            _log.warning("message refused", source=source, reason=str(error))
            return _refusal(body, str(error), now())
        is_new = await store.take(source, received.delivery)
        # Also for one that was taken before: that may be where we were interrupted.
        await tell(source, received.delivery)
        _log.info("message taken", source=source, kind=received.kind, new=is_new)
        return _receipt(received, now(), is_new=is_new)

    return take


def _refusal(body: bytes, reason: str, at: datetime) -> Reply:
    if is_xml(body) or is_x12(body):
        return Reply(_UNPROCESSABLE, msgspec.json.encode({"refused": reason}), JSON)
    return Reply(_UNPROCESSABLE, acknowledge(Verdict.REFUSED, "", at, reason), HL7_V2)


def _receipt(received: Received, at: datetime, *, is_new: bool) -> Reply:
    if received.kind not in (C_CDA, X12):
        return Reply(200, acknowledge(Verdict.ACCEPTED, received.control_id, at), HL7_V2)
    delivery = received.delivery
    kept = Counter(each["resourceType"] for each in delivery.resources)
    told = {"new": is_new, "kept": kept, "leftOut": delivery.left_out}
    return Reply(200, msgspec.json.encode(told), JSON)
