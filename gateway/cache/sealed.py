"""A cache shared through Redis, whose operator can read nothing and forge nothing.

Redis sees keys that are MACs and values that are sealed (AES-256-GCM, bound to their key), so a
copied, swapped or edited value is a miss. A Redis that fails is a miss as well: everything kept
here can be had again.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import RedisError

from contract.keys import derive_key

T = TypeVar("T")

NONCE_BYTES = 12
PAUSE_SECONDS = 1.0
"""After a failure, how long Redis is left alone, so that an outage does not slow every request."""
TIMEOUT_SECONDS = 0.5
LOCK_SECONDS = 10.0


def connect(url: str) -> Redis:
    """Connects at the first command, so a Redis that is down stops nobody from starting."""
    client: Redis = Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS)
    return client


class SealedCache:
    """Bytes by name; `None` for what is absent, expired, forged or out of reach."""

    def __init__(self, redis: Redis, key: bytes, name: str) -> None:
        self._redis = redis
        self._name = name
        self._mac_key = derive_key(key, f"{name}:names")
        self._aead = AESGCM(derive_key(key, f"{name}:values"))
        self._resume_at = 0.0
        self.failures = 0

    @property
    def reachable(self) -> bool:
        """Whether Redis answered when it was last asked."""
        return time.monotonic() >= self._resume_at

    def lock(self, name: str) -> Lock:
        """Held by one process at a time, and for at most some seconds."""
        return self._redis.lock(f"{self._key(name)}:lock", timeout=LOCK_SECONDS)

    async def get(self, name: str) -> bytes | None:
        key = self._key(name)
        sealed = await self._ask(lambda: self._redis.get(key))
        if not isinstance(sealed, bytes):
            return None
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], key.encode())
        except (InvalidTag, ValueError):
            return None

    async def put(self, name: str, value: bytes, seconds: int | None = None) -> bool:
        """Whether it is kept now."""
        key = self._key(name)
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._aead.encrypt(nonce, value, key.encode())
        return bool(await self._ask(lambda: self._redis.set(key, sealed, ex=seconds)))

    async def drop(self, name: str) -> None:
        key = self._key(name)
        await self._ask(lambda: self._redis.delete(key))

    def _key(self, name: str) -> str:
        return f"cg:{self._name}:{hmac.digest(self._mac_key, name.encode(), 'sha256').hex()}"

    async def _ask(self, command: Callable[[], Awaitable[T]]) -> T | None:
        if time.monotonic() < self._resume_at:
            return None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await command()
        except (RedisError, OSError, TimeoutError):
            self.failures += 1
            self._resume_at = time.monotonic() + PAUSE_SECONDS
            return None
