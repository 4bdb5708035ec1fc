"""Events for listeners in every process of a deployment, by way of Redis or Valkey.

One channel for all of them. Messages are sealed: who reads the wire learns neither topics nor ids.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, suppress
from typing import Any, Final

import msgspec
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.asyncio import Redis
from redis.exceptions import RedisError

from subgraphs.runtime.events import LocalEvents

CHANNEL: Final = "chartgraph:events"
PAUSE: Final = 1.0
"""Seconds before a broken wire is tried again."""
_NONCE_BYTES: Final = 12
_log = structlog.get_logger(__name__)


class _Message(msgspec.Struct, frozen=True, array_like=True):
    topic: str
    event: bytes


_messages = msgspec.msgpack.Decoder(_Message)


class SharedEvents:
    """Create it inside the running event loop; `keep_listening` has to run beside it."""

    def __init__(self, redis: Redis, key: bytes) -> None:
        self._redis = redis
        self._cipher = AESGCM(key)
        self._here = LocalEvents()
        self.listening = asyncio.Event()
        """Set while what others publish reaches us."""

    async def publish(self, topic: str, event: bytes = b"") -> None:
        """An event that cannot be sent is lost, and here at least that is told."""
        nonce = os.urandom(_NONCE_BYTES)
        plaintext = msgspec.msgpack.encode(_Message(topic, event))
        sealed = nonce + self._cipher.encrypt(nonce, plaintext, CHANNEL.encode())
        try:
            await self._redis.publish(CHANNEL, sealed)
        except (RedisError, OSError):
            _log.warning("event not published")
            self._here.lose()

    def listen(self, *topics: str) -> AbstractContextManager[AsyncIterator[bytes]]:
        return self._here.listen(*topics)

    async def keep_listening(self) -> None:
        """Never ends. What passes while the wire is broken is lost, and listeners are told."""
        while True:
            with suppress(RedisError, OSError):
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    self.listening.set()
                    async for message in channel.listen():
                        self._take(message)
            self.listening.clear()
            self._here.lose()
            await asyncio.sleep(PAUSE)

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] != "message":
            return
        sealed: bytes = message["data"]
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            plaintext = self._cipher.decrypt(nonce, ciphertext, CHANNEL.encode())
        except (InvalidTag, ValueError):
            _log.warning("event not ours")
            return
        said = _messages.decode(plaintext)
        self._here.tell(said.topic, said.event)
