"""The route by which a sender hands in one message, with its bearer token."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

import structlog

from contract.errors import Code
from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.hl7v2.acknowledgement import Verdict, acknowledge
from subgraphs.connectors.inbox.deliveries import read_delivery
from subgraphs.connectors.inbox.store import Delivery, InboxStore
from subgraphs.runtime.app import Handler, refuse
from subgraphs.runtime.asgi import Reply

PATH: Final = "/inbox/"
CONTENT_TYPE: Final = b"application/hl7-v2"
_BEARER: Final = b"Bearer "
_UNPROCESSABLE: Final = 422

_log = structlog.get_logger(__name__)


Tell: TypeAlias = Callable[[str, Delivery], Awaitable[None]]
"""Whom what a source has delivered is news to."""


def inbox_route(
    source: str,
    token_file: Path,
    store: InboxStore,
    tell: Tell,
    now: Callable[[], datetime],
) -> Handler:
    """Answers with an ACK: AA once the message is kept, or was before; AR for what is not taken."""
    token = token_file.read_bytes().strip()

    async def take(body: bytes, headers: Mapping[bytes, bytes]) -> Reply:
        shown = headers.get(b"authorization", b"")
        if not token or not hmac.compare_digest(shown, _BEARER + token):
            return refuse(Code.UNAUTHENTICATED)
        try:
            message, delivery = read_delivery(body, source, store)
        except UpstreamError as error:
            _log.warning("message refused", source=source, reason=str(error))
            answer = acknowledge(Verdict.REFUSED, "", now(), str(error))
            return Reply(_UNPROCESSABLE, answer, CONTENT_TYPE)
        is_new = await store.take(source, delivery)
        # Also for one that was taken before: that may be where we were interrupted.
        await tell(source, delivery)
        _log.info("message taken", source=source, kind=message.kind, new=is_new)
        return Reply(200, acknowledge(Verdict.ACCEPTED, message.control_id, now()), CONTENT_TYPE)

    return take
