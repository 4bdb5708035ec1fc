"""What a payer tells of its own accord: that a request which was pended is decided.

A subscription of the R4 backport posts its notifications here, with the header it was made with.
Nothing in one is believed but where an answer lies: the answer is read from the payer.
https://hl7.org/fhir/uv/subscriptions-backport/, https://hl7.org/fhir/us/davinci-pas/
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeAlias

import structlog

from contract.errors import Code
from subgraphs.connectors.errors import ProtocolViolation, UpstreamError
from subgraphs.connectors.pas.answers import Notification, read_notification
from subgraphs.coverage.model.preauthorization.wire import PREAUTHORIZATION
from subgraphs.coverage.sources.payer import Server
from subgraphs.runtime import fhir
from subgraphs.runtime.app import Handler, refuse
from subgraphs.runtime.asgi import Reply

NOTIFICATIONS: Final = "/authorizations/"
_BEARER: Final = b"Bearer "
_URN: Final = "urn:uuid:"
_RESPONSE: Final = "ClaimResponse"

_log = structlog.get_logger(__name__)

Tell: TypeAlias = Callable[[str, str, str], Awaitable[None]]
"""Of an answer: whose it is, its id and the request's, at the payer."""


def notification_route(
    source: str, token_file: Path, payer: Server, base: str, tell: Tell
) -> Mapping[str, Handler]:
    """`base` is where the payer's records lie: what lies elsewhere is not read."""
    token = token_file.read_bytes().strip()

    async def take(body: bytes, headers: Mapping[bytes, bytes]) -> Reply:
        """200 for what is told; 422 for what is no notification of it, and 503 where the payer
        cannot be asked what it has answered, so that it tells again.
        """
        shown = headers.get(b"authorization", b"")
        if not token or not hmac.compare_digest(shown, _BEARER + token):
            return refuse(Code.UNAUTHENTICATED)
        try:
            told = await asyncio.to_thread(read_notification, body)
            ids = list(dict.fromkeys(_ids(told, base)))
        except ProtocolViolation as error:
            _log.warning("notification refused", source=source, reason=str(error))
            return Reply(HTTPStatus.UNPROCESSABLE_ENTITY, b"")
        try:
            found = await payer.read(_RESPONSE, ids) if ids else {}
        except UpstreamError as error:
            _log.warning("notification not followed", source=source, reason=str(error))
            return Reply(HTTPStatus.SERVICE_UNAVAILABLE, b"")
        for id_, response in found.items():
            whose, claim = _owner(response)
            if whose is not None:
                await tell(whose, id_, claim)
        _log.info("notification taken", source=source, answers=len(found))
        return Reply(HTTPStatus.OK, b"")

    return {f"{NOTIFICATIONS}{source}": take}


def _ids(told: Notification, base: str) -> Iterator[str]:
    """Of the answers that it is about, at the payer."""
    for focus in told.focus:
        path = focus.removeprefix(base.rstrip("/") + "/")
        type_, _, id_ = path.partition("/")
        if focus.startswith(_URN):
            yield focus.removeprefix(_URN)
        elif type_ == _RESPONSE and id_ and "/" not in id_:
            yield id_
        else:
            raise ProtocolViolation("a notification is about something else, or from elsewhere")


def _owner(response: Mapping[str, Any]) -> tuple[str | None, str]:
    if response.get("use") != PREAUTHORIZATION:
        return None, ""
    patient, claim = (
        fhir.Reference(str(response.get(name, {}).get("reference", "")))
        for name in ("patient", "request")
    )
    return patient.id_of("Patient"), claim.id_of("Claim") or ""
