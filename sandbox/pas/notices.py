"""Notifications of a subscription to the guide's topic: which answer has changed.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx2

from sandbox.data.shapes import instant
from sandbox.wire import encode

TOPIC: Final = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic"
_TIMEOUT_SECONDS: Final = 5.0


@dataclass
class Notices:
    """`url` is where they go, `token` what the subscription's header shows there."""

    token: str
    url: str | None = None
    events: int = 0
    _sending: set[asyncio.Task[int | None]] = field(default_factory=set)

    def tell(self, focus: str) -> None:
        """Sends it by and by: nobody waits for a notification."""
        self.events += 1
        sending = asyncio.create_task(self.send(notification(focus, self.events)))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def send(self, bundle: dict[str, Any]) -> int | None:
        """The receiver's status; None if there is no receiver or it cannot be reached."""
        if self.url is None:
            return None
        headers = {
            "content-type": "application/fhir+json",
            "authorization": f"Bearer {self.token}",
        }
        try:
            async with httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
                answer = await client.post(self.url, content=encode(bundle), headers=headers)
        except httpx2.HTTPError:
            return None
        return answer.status_code


def notification(focus: str, number: int) -> dict[str, Any]:
    """By ids alone: nothing of what was decided leaves this way."""
    at = instant(datetime.now(UTC))
    event = [
        {"name": "event-number", "valueString": str(number)},
        {"name": "timestamp", "valueInstant": at},
        {"name": "focus", "valueReference": {"reference": focus}},
    ]
    status = {
        "resourceType": "Parameters",
        "id": str(uuid.uuid4()),
        "parameter": [
            {"name": "subscription", "valueReference": {"reference": "Subscription/chartgraph"}},
            {"name": "topic", "valueCanonical": TOPIC},
            {"name": "status", "valueCode": "active"},
            {"name": "type", "valueCode": "event-notification"},
            {"name": "events-since-subscription-start", "valueString": str(number)},
            {"name": "notification-event", "part": event},
        ],
    }
    return {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "type": "history",
        "timestamp": at,
        "entry": [
            {
                "fullUrl": f"urn:uuid:{status['id']}",
                "resource": status,
                "request": {"method": "GET", "url": "Subscription/chartgraph/$status"},
                "response": {"status": "200"},
            }
        ],
    }


def open_notices(token: str, webhook_url: str | None) -> Notices:
    """`webhook_url` is that of a video vendor: payers tell at the same host."""
    host = webhook_url.partition("/webhooks/")[0] if webhook_url else None
    return Notices(token, f"{host}/authorizations/payer-pas" if host else None)
