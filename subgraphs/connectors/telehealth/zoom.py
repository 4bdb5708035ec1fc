"""Zoom meetings. https://developers.zoom.us/docs/api/meetings/

Zoom knows meetings one by one, so a question about many of them is as many calls, a few at a time.
A meeting that is over reads like one that has not begun: that it ended, only its webhook tells.
There is no idempotency key either. A meeting carries our token in its agenda, by which it is looked
for among its host's before it is made a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import msgspec
import yaml

from subgraphs.connectors.answers import read_answer
from subgraphs.connectors.config import ConfigError
from subgraphs.connectors.errors import ProtocolViolation, TimedOut, Unavailable, Unreachable
from subgraphs.connectors.parallel import for_each
from subgraphs.connectors.telehealth.answers import found, gone, written
from subgraphs.connectors.telehealth.visit import Door, NewVisit, Vendor, VideoSource, Visit
from subgraphs.connectors.telehealth.webhooks import ReadNotice
from subgraphs.connectors.telehealth.zoom_webhooks import zoom_notices

CHANNEL: Final = "http://hl7.org/fhir/virtual-service-type|zoom"
"""https://hl7.org/fhir/R5/codesystem-virtual-service-type.html"""
SCHEDULED: Final = 2
"""The type of a meeting with a time."""
START_LIFETIME: Final = timedelta(hours=2)
"""Of a host's door."""
_STATUSES: Final[Mapping[str, str]] = {"waiting": "scheduled", "started": "started"}
_NO_MEETING: Final = "10000000000"
_PAGE: Final = 300
_MAX_PAGES: Final = 20


class ZoomSource(VideoSource, frozen=True, kw_only=True, tag="zoom"):
    channels: tuple[str, ...] = (CHANNEL,)
    host: str = "me"
    """The Zoom user who holds the meetings of whoever is not among the `hosts`."""
    hosts: Path | None = None
    """A YAML file of Zoom users by `source/Practitioner/id`."""
    topic: str = "Video visit"
    """What all meetings are called: a name would tell whose they are."""


class ZoomClient(Vendor[ZoomSource]):
    """One per account."""

    settings = ZoomSource

    def __init__(self, config: ZoomSource, client: httpx2.AsyncClient) -> None:
        super().__init__(config, client)
        self._hosts = _read_hosts(config.hosts)

    async def probe(self) -> tuple[str, ...]:
        await self.visits([_NO_MEETING])
        return ()

    async def visits(self, ids: Iterable[str]) -> Mapping[str, Visit]:
        wanted = [id_ for id_ in dict.fromkeys(ids) if id_.isascii() and id_.isdecimal()]
        meetings = await for_each(wanted, self._fetch, at_a_time=self.config.max_parallel)
        return {
            id_: _visit(id_, meeting)
            for id_, meeting in zip(wanted, meetings, strict=True)
            if meeting is not None
        }

    async def create(self, visit: NewVisit, token: str) -> str:
        """Looked for first: whoever sends it again may not know whether it arrived."""
        user = self._user(visit)
        known = await self._find(user, token)
        if known is not None:
            return known
        body = {
            "topic": self.config.topic,
            "agenda": _marked(token),
            "type": SCHEDULED,
            **_times(visit),
            "settings": {"waiting_room": True, "join_before_host": False},
        }
        try:
            answer = await self._client.post(f"users/{user}/meetings", json=body)
        except (TimedOut, Unreachable, Unavailable):
            # It may have been made all the same.
            known = await self._find(user, token)
            if known is None:
                raise
            return known
        return str(read_answer(answer, _Created).id)

    async def move(self, id_: str, visit: NewVisit) -> None:
        await self._client.patch(
            f"meetings/{id_}", json=_times(visit), extensions={"idempotent": True}
        )

    async def cancel(self, id_: str) -> None:
        await gone(self._client.delete(f"meetings/{id_}", extensions={"idempotent": True}))

    async def door(self, id_: str, identity: str, *, host: bool) -> Door | None:  # noqa: ARG002 - its doors are anybody's
        meeting = await self._fetch(id_)
        if meeting is None:
            return None
        if host:
            return Door(url=meeting.start_url, expires_at=datetime.now(UTC) + START_LIFETIME)
        return Door(url=meeting.join_url)

    def notices(self, secret: bytes) -> ReadNotice | None:
        return zoom_notices(secret)

    async def _fetch(self, id_: str) -> _Meeting | None:
        answer = await found(self._client.get(f"meetings/{id_}"))
        if answer is None:
            return None
        meeting = read_answer(answer, _Meeting)
        if str(meeting.id) != id_:
            raise ProtocolViolation("the vendor answered with another meeting")
        return meeting

    async def _find(self, user: str, token: str) -> str | None:
        """The meeting of this token among those the host has ahead."""
        params: dict[str, Any] = {"type": "upcoming", "page_size": _PAGE}
        for _ in range(_MAX_PAGES):
            page = read_answer(
                await self._client.get(f"users/{user}/meetings", params=params), _Meetings
            )
            for meeting in page.meetings:
                if _marked(token) in meeting.agenda:
                    return str(meeting.id)
            if not page.next_page_token:
                return None
            params["next_page_token"] = page.next_page_token
        raise ProtocolViolation("the vendor's list of meetings does not end")

    def _user(self, visit: NewVisit) -> str:
        return self._hosts.get(visit.host or "", self.config.host)


class _Meeting(msgspec.Struct, frozen=True):
    id: int
    status: str = ""
    start_time: datetime | None = None
    duration: int | None = None
    """In minutes."""
    join_url: str | None = None
    start_url: str | None = None


class _Created(msgspec.Struct, frozen=True):
    id: int


class _Listed(msgspec.Struct, frozen=True):
    id: int
    agenda: str = ""


class _Meetings(msgspec.Struct, frozen=True):
    meetings: tuple[_Listed, ...] = ()
    next_page_token: str = ""


def _visit(id_: str, meeting: _Meeting) -> Visit:
    start = meeting.start_time
    end = start + timedelta(minutes=meeting.duration) if start and meeting.duration else None
    return Visit(
        id=id_,
        status=_STATUSES.get(meeting.status, meeting.status),
        starts_at=written(start) if start else None,
        ends_at=written(end) if end else None,
        join_url=meeting.join_url,
        start_url=meeting.start_url,
    )


def _times(visit: NewVisit) -> dict[str, Any]:
    minutes = (visit.ends_at - visit.starts_at) // timedelta(minutes=1)
    return {"start_time": written(visit.starts_at), "duration": minutes, "timezone": "UTC"}


def _marked(token: str) -> str:
    return f"ref {token}"


def _read_hosts(path: Path | None) -> Mapping[str, str]:
    """A vendor's users by `source/Practitioner/id`; `ConfigError` for a file that is no such."""
    if path is None:
        return {}
    try:
        return msgspec.convert(yaml.safe_load(path.read_bytes()), type=dict[str, str])
    except (OSError, yaml.YAMLError, msgspec.ValidationError):
        raise ConfigError(f"{path}: expected a user by each source/Practitioner/id") from None
