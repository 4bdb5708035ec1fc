"""Texts of documents by id: registered ones of a client, and those that clients cached themselves.

Registered documents come from the manifests of the settings and from registries, where
`chartgraph documents push` puts them; an id belongs to the client that registered it. Cached ones
(automatic persisted queries) are keyed by their hash and expire.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.cache.lru import LruCache
from gateway.documents.manifest import Manifest, bare, indexed
from gateway.documents.registry import ClientDocuments, Registry, RegistryError
from gateway.telemetry import log

if TYPE_CHECKING:
    # Redis takes a tenth of a second to import: only who has one pays for it.
    from gateway.cache.sealed import SealedCache

ANY_CLIENT = "*"
KNOWN_CLIENTS = 1_000
CACHED_ENTRIES = 10_000
CACHED_BYTES = 32 * 1024 * 1024
CACHED_SECONDS = 7 * 24 * 3600
REFRESH_SECONDS = 5.0
"""How late a push, or what it takes back, is noticed."""


@dataclass(slots=True)
class _Known:
    """What a registry said of a client when it was last asked."""

    manifest: Manifest
    fresh_until: float


class DocumentStore:
    def __init__(
        self,
        manifests: Mapping[str, Manifest],
        shared: SealedCache | None = None,
        registries: Sequence[Registry] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`manifests` by client id; `*` is for every client."""
        self.take(manifests)
        self._shared = shared
        self._registries = tuple(registries)
        self.clock = clock
        self._known: LruCache[tuple[int, str], _Known] = LruCache(KNOWN_CLIENTS)
        self._cached: LruCache[str, str] = LruCache(CACHED_ENTRIES, weight=CACHED_BYTES)

    def take(self, manifests: Mapping[str, Manifest]) -> None:
        """Those of the settings and of the registry of clients, in place of what they held."""
        self._manifests = {client: indexed(manifest) for client, manifest in manifests.items()}

    async def registered(self, client: str, document_id: str) -> str | None:
        """The text this client registered under the id, or that is registered for everyone."""
        name = bare(document_id)
        for owner in (client, ANY_CLIENT):
            async for manifest in self._manifests_of(owner):
                if name in manifest:
                    return manifest[name]
        return None

    def known(self, client: str, document_id: str) -> tuple[str, float] | None:
        """As `registered`, with how long that is certain by `clock`; None where it is not now."""
        name, until = bare(document_id), math.inf
        for owner in (client, ANY_CLIENT):
            if name in (own := self._manifests.get(owner, {})):
                return own[name], until
            for number in range(len(self._registries)):
                known = self._known.get((number, owner))
                if known is None or known.fresh_until <= self.clock():
                    return None
                until = min(until, known.fresh_until)
                if name in known.manifest:
                    return known.manifest[name], until
        return None

    async def everything(self) -> AsyncIterator[ClientDocuments]:
        """All that is registered, client by client; a registry out of reach is left out."""
        for client, manifest in self._manifests.items():
            yield ClientDocuments(client, dict(manifest))
        for registry in self._registries:
            try:
                for client in await registry.clients():
                    yield await registry.read(client)
            except RegistryError as error:
                log.warning("registry_unavailable", reason=str(error))

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

    async def _manifests_of(self, client: str) -> AsyncIterator[Manifest]:
        if client in self._manifests:
            yield self._manifests[client]
        for number in range(len(self._registries)):
            yield await self._manifest(number, client)

    async def _manifest(self, number: int, client: str) -> Manifest:
        known = self._known.get((number, client))
        now = self.clock()
        if known is not None:
            if known.fresh_until > now:
                return known.manifest
            # Whoever comes while one of us looks goes on with what was known before.
            known.fresh_until = now + REFRESH_SECONDS
        try:
            manifest = indexed((await self._registries[number].read(client)).documents)
        except RegistryError as error:
            log.warning("registry_unavailable", reason=str(error))
            # What ran before the outage runs through it.
            manifest = known.manifest if known else {}
        self._known.put((number, client), _Known(manifest, now + REFRESH_SECONDS))
        return manifest
