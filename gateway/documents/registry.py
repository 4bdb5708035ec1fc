"""What each client has registered: as files in the home folder, or as values in Redis.

`chartgraph documents push` writes it and gateways read it; a client's documents are replaced whole,
so nobody ever sees half of a push.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote

import msgspec

if TYPE_CHECKING:
    from gateway.cache.sealed import SealedCache

FOLDER: Final = "documents"
"""In the home folder."""
MAX_NAME: Final = 200
"""Letters of a file's name: file systems take 255 bytes."""
_CLIENTS: Final = "clients"
_UNREACHABLE: Final = "the registry in Redis cannot be reached"


class ClientDocuments(msgspec.Struct, frozen=True):
    """All that one client has registered."""

    client: str
    documents: dict[str, str] = {}
    """Texts by id."""
    scopes: tuple[str, ...] | None = None
    """What the client's tokens are granted; None if that was never told."""


class RegistryError(Exception):
    """The registry cannot be read or written now; the message says where it is."""


class Registry(Protocol):
    async def read(self, client: str) -> ClientDocuments:
        """Empty for a client it does not know. Raises `RegistryError`."""
        ...

    async def write(self, registered: ClientDocuments) -> None:
        """Raises `RegistryError`, and then nothing has changed."""
        ...

    async def clients(self) -> tuple[str, ...]:
        """Who has registered something, sorted. Raises `RegistryError`."""
        ...


class FolderRegistry:
    """One file for each client."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._read: dict[Path, tuple[tuple[int, int], ClientDocuments]] = {}

    async def read(self, client: str) -> ClientDocuments:
        path = self._path(client)
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            before = self._read.get(path)
            if before is None or before[0] != stamp:
                before = self._read[path] = (stamp, _decode(path.read_bytes()))
        except FileNotFoundError:
            return ClientDocuments(client)
        except (OSError, msgspec.MsgspecError):
            raise RegistryError(f"{path} cannot be read") from None
        return before[1]

    async def write(self, registered: ClientDocuments) -> None:
        path = self._path(registered.client)
        draft = path.with_suffix(f".{os.getpid()}.draft")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(registered)))
            draft.replace(path)
        except OSError:
            raise RegistryError(f"{path} cannot be written") from None

    async def clients(self) -> tuple[str, ...]:
        names = []
        for path in self._folder.glob("*.json"):
            try:
                names.append(_decode(path.read_bytes()).client)
            except (OSError, msgspec.MsgspecError):
                raise RegistryError(f"{path} cannot be read") from None
        return tuple(sorted(names))

    def _path(self, client: str) -> Path:
        name = quote(client, safe="")
        if len(name) > MAX_NAME:
            raise RegistryError("the client's id is too long for the name of a file")
        return self._folder / f"{name}.json"


class SealedRegistry:
    """Values in Redis, which its operator can neither read nor forge."""

    def __init__(self, cache: SealedCache) -> None:
        self._cache = cache

    async def read(self, client: str) -> ClientDocuments:
        content = await self._get(_name(client))
        try:
            return ClientDocuments(client) if content is None else _decode(content)
        except msgspec.MsgspecError:
            raise RegistryError("the registry in Redis was written by another version") from None

    async def write(self, registered: ClientDocuments) -> None:
        from redis.exceptions import RedisError  # noqa: PLC0415 - only who has one pays for it

        try:
            async with self._cache.lock(_CLIENTS):
                # Listed first: who is listed with nothing does no harm, who is not is overlooked.
                known = {*await self.clients(), registered.client}
                await self._put(_CLIENTS, msgspec.json.encode(sorted(known)))
                await self._put(_name(registered.client), msgspec.json.encode(registered))
        except (RedisError, OSError):
            raise RegistryError(_UNREACHABLE) from None

    async def clients(self) -> tuple[str, ...]:
        content = await self._get(_CLIENTS)
        return () if content is None else msgspec.json.decode(content, type=tuple[str, ...])

    async def _get(self, name: str) -> bytes | None:
        content = await self._cache.get(name)
        if content is None and not self._cache.reachable:
            raise RegistryError(_UNREACHABLE)
        return content

    async def _put(self, name: str, content: bytes) -> None:
        if not await self._cache.put(name, content):
            raise RegistryError(_UNREACHABLE)


def _decode(content: bytes) -> ClientDocuments:
    return msgspec.json.decode(content, type=ClientDocuments)


def _name(client: str) -> str:
    return msgspec.json.encode(["client", client]).decode()
