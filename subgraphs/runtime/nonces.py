"""The nonces of mutations and subscriptions that were accepted: each opens a subgraph once.

A context is good for `MAX_AGE` seconds to either side of its time, so a nonce is remembered for
twice that. Replicas of a subgraph share theirs through Redis, under names that tell nothing; a lone
process has its own memory. While Redis is silent they are refused: what might be a replay must not
run.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from contract.context import MAX_AGE

if TYPE_CHECKING:
    from redis.asyncio import Redis

KEPT_SECONDS: Final = 2 * MAX_AGE + 1
TIMEOUT_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)


class Nonces(Protocol):
    async def take(self, subgraph: str, nonce: str) -> bool:
        """Whether it comes for the first time; from then on it does not."""


class LocalNonces:
    """Of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._taken: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def take(self, subgraph: str, nonce: str) -> bool:
        now = self._clock()
        while self._taken and next(iter(self._taken.values())) <= now:
            self._taken.popitem(last=False)
        if (subgraph, nonce) in self._taken:
            return False
        self._taken[subgraph, nonce] = now + KEPT_SECONDS
        return True


class SharedNonces:
    """Of all replicas."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def take(self, subgraph: str, nonce: str) -> bool:
        from redis.exceptions import RedisError  # noqa: PLC0415 - whoever is here has imported it

        name = hashlib.sha256(f"{subgraph}\0{nonce}".encode()).hexdigest()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return bool(
                    await self._redis.set(f"cg:nonces:{name}", b"", nx=True, ex=KEPT_SECONDS)
                )
        except (RedisError, OSError, TimeoutError) as error:
            _log.error("refused, for nonces cannot be kept", kind=type(error).__name__)
            return False


def connect_nonces(url: str) -> tuple[SharedNonces, Redis]:
    """Connects at the first nonce; the connection is the caller's to close."""
    from redis.asyncio import Redis  # noqa: PLC0415 - only who has a Redis pays for it

    redis: Redis = Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS)
    return SharedNonces(redis), redis
