"""Texts of documents by id: registered ones of a client, and those that clients cached themselves.

Registered documents come from manifest files, read at the start, and from Redis, where
`chartgraph documents push` puts them; an id belongs to the client that registered it. Cached ones
(automatic persisted queries) are keyed by their hash and expire.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.cache.lru import LruCache
from gateway.documents.prepare import hash_text

if TYPE_CHECKING:
    # Redis takes a tenth of a second to import: only who has one pays for it.
    from gateway.cache.sealed import SealedCache

ANY_CLIENT = "*"
CACHED_ENTRIES = 10_000
CACHED_BYTES = 32 * 1024 * 1024
CACHED_SECONDS = 7 * 24 * 3600
ABSENT_SECONDS = 5.0
"""How long a document that Redis did not have is taken to be absent."""
_PREFIX = "sha256:"

Manifest = Mapping[str, str]


class ManifestError(ValueError):
    """A file that is no manifest; the message names it."""


class DocumentStore:
    def __init__(
        self, manifests: Mapping[str, Manifest], shared: SealedCache | None = None
    ) -> None:
        """`manifests` by client id; `*` is for every client."""
        self._manifests = manifests
        self._shared = shared
        self._registered: LruCache[tuple[str, str], str] = LruCache(
            CACHED_ENTRIES, weight=CACHED_BYTES
        )
        self._cached: LruCache[str, str] = LruCache(CACHED_ENTRIES, weight=CACHED_BYTES)

    async def registered(self, client: str, document_id: str) -> str | None:
        """The text this client registered under the id, or that is registered for everyone."""
        name = document_id.removeprefix(_PREFIX)
        for owner in (client, ANY_CLIENT):
            text = self._manifests.get(owner, {}).get(name) or await self._pushed(owner, name)
            if text:
                return text
        return None

    async def register(self, client: str, document_id: str, text: str) -> bool:
        """For all replicas, until it is taken back. Whether Redis has it now."""
        name = document_id.removeprefix(_PREFIX)
        if self._shared is None:
            return False
        self._registered.drop((client, name))
        return await self._shared.put(_registered_name(client, name), text.encode())

    async def unregister(self, client: str, document_id: str) -> None:
        name = document_id.removeprefix(_PREFIX)
        self._registered.drop((client, name))
        if self._shared is not None:
            await self._shared.drop(_registered_name(client, name))

    async def cached(self, digest: str) -> str | None:
        text = self._cached.get(digest)
        if text is None and self._shared is not None:
            found = await self._shared.get(f"cached:{digest}")
            if found is not None:
                text = found.decode()
                self._cached.put(digest, text, weight=len(text))
        return text

    async def cache(self, digest: str, text: str) -> None:
        self._cached.put(digest, text, weight=len(text))
        if self._shared is not None:
            await self._shared.put(f"cached:{digest}", text.encode(), CACHED_SECONDS)

    async def _pushed(self, client: str, name: str) -> str | None:
        if self._shared is None:
            return None
        text = self._registered.get((client, name))
        if text is None:
            found = await self._shared.get(_registered_name(client, name))
            text = found.decode() if found else ""
            self._registered.put(
                (client, name), text, seconds=ABSENT_SECONDS, weight=len(text) + len(name)
            )
        return text or None


def read_manifest(path: Path) -> Manifest:
    """`{id: text}`, as relay-compiler and graphql-codegen write it, or Apollo's format."""
    try:
        content = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        raise ManifestError(f"{path} cannot be read as a manifest of documents") from None
    entries: Any = content
    if "operations" in content:
        operations = content["operations"]
        entries = {
            each.get("id"): each.get("body") for each in operations if isinstance(each, dict)
        }
    if not all(isinstance(each, str) for pair in entries.items() for each in pair):
        raise ManifestError(f"{path} is no manifest: it has to map ids to texts")
    named = {name.removeprefix(_PREFIX): text for name, text in entries.items()}
    # Whoever asks by hash gets the same document as by id.
    return named | {hash_text(text): text for text in named.values()}


def _registered_name(client: str, name: str) -> str:
    return msgspec.json.encode(["registered", client, name]).decode()
