"""What the vendor pushes: the latest status of each visit.

It is kept in memory and bounded, because the vendor's own answer always counts for more: a pushed
status is what remains of a visit while the vendor cannot be asked.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus

from subgraphs.connectors.telehealth.webhooks import WebhookRefused, read_notice
from subgraphs.runtime.app import Handler
from subgraphs.runtime.asgi import Reply
from subgraphs.runtime.events import Events, LocalEvents
from subgraphs.telehealth.model import PushedStatus

CAPACITY = 10_000
WEBHOOK_PATH = "/webhooks/telehealth"


def topic_of(visit: str) -> str:
    """What is published whenever the vendor tells of the visit with this id."""
    return f"visit:{visit}"


class NoticeBoard:
    def __init__(
        self, secret: bytes | None, now: Callable[[], datetime], events: Events | None = None
    ) -> None:
        """`events` hear of each change, wherever they are listened to."""
        self._events = events or LocalEvents()
        self._secret = secret
        self._now = now
        self._latest: OrderedDict[str, PushedStatus] = OrderedDict()

    def take(self, body: bytes, *, timestamp: str | None, signature: str | None) -> str | None:
        """Keep what a notice says, or raise `WebhookRefused`.

        The id of the visit whose status that changed; None where the notice is no news.
        """
        if self._secret is None:
            raise WebhookRefused("no webhook secret is configured")
        now = self._now()
        notice = read_notice(
            body,
            timestamp=timestamp,
            signature=signature,
            secret=self._secret,
            now=now.timestamp(),
        )
        visit, pushed = notice.visit, PushedStatus(notice.visit.status, notice.occurred_at, now)
        known = self._latest.get(visit.id)
        # Notices may overtake each other, and a vendor may send one twice.
        if known is not None and (
            known.occurred_at > pushed.occurred_at
            or (known.occurred_at, known.status) == (pushed.occurred_at, pushed.status)
        ):
            return None
        self._latest[visit.id] = pushed
        self._latest.move_to_end(visit.id)
        if len(self._latest) > CAPACITY:
            self._latest.popitem(last=False)
        return visit.id

    @property
    def routes(self) -> Mapping[str, Handler]:
        return {WEBHOOK_PATH: self._receive}

    async def _receive(self, body: bytes, headers: Mapping[bytes, bytes]) -> Reply:
        """204 for a notice that is taken, 401 for any other."""
        try:
            changed = self.take(
                body,
                timestamp=headers.get(b"x-timestamp", b"").decode("latin-1"),
                signature=headers.get(b"x-signature", b"").decode("latin-1"),
            )
        except WebhookRefused:
            return Reply(HTTPStatus.UNAUTHORIZED, b"")
        if changed is not None:
            await self._events.publish(topic_of(changed))
        return Reply(HTTPStatus.NO_CONTENT, b"")

    def latest(self, visit: str) -> PushedStatus | None:
        return self._latest.get(visit)
