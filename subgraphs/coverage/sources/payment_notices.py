"""What the payment gateway tells of its own accord."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Final

from subgraphs.connectors.payments.webhooks import WebhookRefused, read_event
from subgraphs.coverage.sources.payments import PaymentBook
from subgraphs.runtime.app import Handler
from subgraphs.runtime.asgi import Reply

PAYMENTS_PATH: Final = "/payments/webhook"


def notices_route(
    book: PaymentBook, secret: bytes | None, now: Callable[[], datetime]
) -> Mapping[str, Handler]:
    async def receive(body: bytes, headers: Mapping[bytes, bytes]) -> Reply:
        """204 for an event that is the gateway's, also if it is no news; 401 for any other."""
        signature = headers.get(b"stripe-signature", b"").decode("latin-1")
        if not secret:
            return Reply(HTTPStatus.UNAUTHORIZED, b"")
        try:
            told = read_event(body, signature=signature, secret=secret, now=now().timestamp())
        except WebhookRefused:
            return Reply(HTTPStatus.UNAUTHORIZED, b"")
        if told is not None and told.intent.token is not None:
            await book.note(told.intent.token, told.intent, told.at)
        return Reply(HTTPStatus.NO_CONTENT, b"")

    return {PAYMENTS_PATH: receive}
