"""A vendor whose REST answers about many visits at once.

GET    v1/visits?ids=a,b,c
POST   v1/visits              with the header Idempotency-Key
PATCH  v1/visits/{id}
DELETE v1/visits/{id}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from subgraphs.connectors.answers import read_answer
from subgraphs.connectors.connector import NOBODY
from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.parallel import for_each
from subgraphs.connectors.telehealth.answers import gone, written
from subgraphs.connectors.telehealth.visit import Door, NewVisit, Vendor, VideoSource, Visit
from subgraphs.connectors.telehealth.webhooks import ReadNotice, rest_notices

CHUNK = 100
"""Visits in one call: the vendor's limit."""
_REPEATABLE: Mapping[str, Any] = {"idempotent": True}


class TelehealthSource(VideoSource, frozen=True, kw_only=True, tag="telehealth-rest"):
    """A vendor that answers about many visits at once."""


class TelehealthClient(Vendor[TelehealthSource]):
    settings = TelehealthSource

    async def probe(self) -> tuple[str, ...]:
        await self.visits([NOBODY])
        return ()

    async def visits(self, ids: Iterable[str]) -> Mapping[str, Visit]:
        """The visits of these ids, one call for `CHUNK` of them; what is absent is left out."""
        wanted = list(dict.fromkeys(ids))
        parts = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
        found = await for_each(parts, self._fetch, at_a_time=self.config.max_parallel)
        return {visit.id: visit for visits in found for visit in visits}

    async def create(self, visit: NewVisit, token: str) -> str:
        body = {**_times(visit), "host": visit.host}
        # The key makes it one visit, however often it is sent.
        answer = await self._client.post(
            "v1/visits",
            json=body,
            headers={"Idempotency-Key": token},
            extensions=dict(_REPEATABLE),
        )
        return read_answer(answer, Visit).id

    async def move(self, id_: str, visit: NewVisit) -> None:
        await self._client.patch(
            f"v1/visits/{id_}", json=_times(visit), extensions=dict(_REPEATABLE)
        )

    async def cancel(self, id_: str) -> None:
        await gone(self._client.delete(f"v1/visits/{id_}", extensions=dict(_REPEATABLE)))

    async def door(self, id_: str, identity: str, *, host: bool) -> Door | None:  # noqa: ARG002 - its doors are anybody's
        visit = (await self.visits([id_])).get(id_)
        if visit is None:
            return None
        if not host:
            return Door(url=visit.join_url)
        ends = visit.start_url_expires_at
        return Door(url=visit.start_url, expires_at=datetime.fromisoformat(ends) if ends else None)

    def notices(self, secret: bytes) -> ReadNotice | None:
        return rest_notices(secret)

    async def _fetch(self, ids: Sequence[str]) -> list[Visit]:
        answer = await self._client.get("v1/visits", params={"ids": ",".join(ids)})
        try:
            page = msgspec.json.decode(answer.content, type=_Page)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ProtocolViolation("the vendor's visits cannot be read") from None
        asked = frozenset(ids)
        return [visit for visit in page.visits if visit.id in asked]


class _Page(msgspec.Struct, frozen=True):
    visits: tuple[Visit, ...]


def _times(visit: NewVisit) -> dict[str, str]:
    return {"starts_at": written(visit.starts_at), "ends_at": written(visit.ends_at)}
