"""When each client was last seen, to the second; kept here, and in Redis for all replicas.

The request pays for a dictionary's entry; what is new goes to Redis once in a while. Names there
are digests, since a client's id may be anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from gateway.telemetry import log

if TYPE_CHECKING:
    from redis.asyncio import Redis

KEY: Final = "cg:clients:seen"
FLUSH_SECONDS: Final = 15.0
MAX_CLIENTS: Final = 10_000
"""Unregistered ones may be many; beyond this only those that are known already are noted."""
DIGEST_BYTES: Final = 16


class Uses:
    def __init__(self, redis: Redis | None = None, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._fresh: set[str] = set()

    def note(self, client: str) -> None:
        if client in self._seen or len(self._seen) < MAX_CLIENTS:
            self._seen[client] = self._clock()
            self._fresh.add(client)

    async def last(self, clients: Iterable[str]) -> Mapping[str, float]:
        """Seconds since 1970; a client that was never seen is left out. Raises `RedisError`."""
        names = list(clients)
        seen = {each: self._seen[each] for each in names if each in self._seen}
        if self._redis is not None and names:
            scores = await self._redis.zmscore(KEY, [_digest(each) for each in names])
            for name, score in zip(names, scores, strict=True):
                if score is not None:
                    seen[name] = max(seen.get(name, 0.0), float(score))
        return seen

    async def keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        if self._redis is None or not self._fresh:
            return
        from redis.exceptions import RedisError  # noqa: PLC0415 - only who has one pays for it

        fresh, self._fresh = self._fresh, set()
        try:
            # The later of two replicas' times stays, whichever comes last.
            times = {_digest(each): self._seen[each] for each in fresh}
            await self._redis.zadd(KEY, times, gt=True)
        except (RedisError, OSError) as error:
            self._fresh |= fresh
            log.warning("client_uses_not_kept", reason=type(error).__name__)


def _digest(client: str) -> str:
    return hashlib.blake2b(client.encode(), digest_size=DIGEST_BYTES).hexdigest()
