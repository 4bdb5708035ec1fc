"""What a vendor pushes: the latest status of each visit.

It is kept in memory and bounded, because the vendor's own answer always counts for more: a pushed
status is what remains of a visit while the vendor cannot be asked, and what tells of a visit's end
where the vendor's answer does not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Final

from subgraphs.connectors.telehealth.webhooks import (
    Challenge,
    Headers,
    ReadNotice,
    StatusNotice,
    WebhookRefused,
)
from subgraphs.runtime.app import Handler
from subgraphs.runtime.asgi import Reply
from subgraphs.runtime.events import Events, LocalEvents
from subgraphs.telehealth.model import PushedStatus

CAPACITY: Final = 10_000
WEBHOOKS: Final = "/webhooks/"
"""Each vendor calls what follows by its source's id."""
WEBHOOK_PATH: Final = f"{WEBHOOKS}telehealth"
"""The demo's."""


def topic_of(source: str, visit: str) -> str:
    """What is published whenever a vendor tells of the visit with this id."""
    return f"visit:{source}/{visit}"


class NoticeBoard:
    """Of one vendor; without `read` nothing is taken."""

    def __init__(
        self,
        source: str,
        read: ReadNotice | None,
        now: Callable[[], datetime],
        events: Events | None = None,
    ) -> None:
        """`events` hear of each change, wherever they are listened to."""
        self._source = source
        self._read = read
        self._events = events or LocalEvents()
        self._now = now
        self._latest: OrderedDict[str, PushedStatus] = OrderedDict()

    def take(self, body: bytes, headers: Headers) -> str | Challenge | None:
        """Keep what a notice says, or raise `WebhookRefused`.

        The id of the visit whose status that changed; None where the notice is no news.
        """
        if self._read is None:
            raise WebhookRefused("no webhook secret is configured")
        now = self._now()
        notice = self._read(body, headers, now.timestamp())
        if not isinstance(notice, StatusNotice):
            return notice
        pushed = PushedStatus(notice.status, notice.occurred_at, now)
        known = self._latest.get(notice.visit)
        # Notices may overtake each other, and a vendor may send one twice.
        if known is not None and (
            known.occurred_at > pushed.occurred_at
            or (known.occurred_at, known.status) == (pushed.occurred_at, pushed.status)
        ):
            return None
        self._latest[notice.visit] = pushed
        self._latest.move_to_end(notice.visit)
        if len(self._latest) > CAPACITY:
            self._latest.popitem(last=False)
        return notice.visit

    @property
    def routes(self) -> Mapping[str, Handler]:
        return {f"{WEBHOOKS}{self._source}": self._receive}

    async def _receive(self, body: bytes, headers: Headers) -> Reply:
        """204 for a notice that is taken, 401 for any other."""
        try:
            changed = self.take(body, headers)
        except WebhookRefused:
            return Reply(HTTPStatus.UNAUTHORIZED, b"")
        if isinstance(changed, Challenge):
            return Reply(HTTPStatus.OK, changed.reply)
        if changed is not None:
            await self._events.publish(topic_of(self._source, changed))
        return Reply(HTTPStatus.NO_CONTENT, b"")

    def latest(self, visit: str) -> PushedStatus | None:
        return self._latest.get(visit)
