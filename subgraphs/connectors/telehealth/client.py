"""Ask a telehealth vendor about many visits at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import httpx2
import msgspec

from subgraphs.connectors.config import TelehealthSource
from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.parallel import for_each

CHUNK = 100
"""Visits in one call: the vendor's limit."""


class Host(msgspec.Struct, frozen=True):
    name: str | None = None


class Visit(msgspec.Struct, frozen=True):
    """A video visit as the vendor keeps it: ids and addresses, nothing clinical."""

    id: str
    status: str
    starts_at: str | None = None
    ends_at: str | None = None
    host: Host = Host()
    join_url: str | None = None
    """The patient's door."""
    start_url: str | None = None
    """The host's door: it holds a secret, so it is neither kept nor shown to anyone else."""
    start_url_expires_at: str | None = None

    def __repr__(self) -> str:
        return f"Visit(status={self.status!r})"


class TelehealthClient:
    """One per vendor; `client` comes from `open_client`."""

    def __init__(self, config: TelehealthSource, client: httpx2.AsyncClient) -> None:
        self.config = config
        self._client = client

    async def visits(self, ids: Iterable[str]) -> Mapping[str, Visit]:
        """The visits of these ids, one call for `CHUNK` of them; what is absent is left out."""
        wanted = list(dict.fromkeys(ids))
        parts = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
        found = await for_each(parts, self._fetch, at_a_time=self.config.max_parallel)
        return {visit.id: visit for visits in found for visit in visits}

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
