"""Which document a request wants, and whether it may be run here at all.

A request names a registered document, sends an automatic persisted query, or brings its text along.
Where only trusted documents run, a text will do if it is one of them, letter by letter.
https://github.com/graphql/graphql-over-http/pull/264 (persisted documents) and
https://www.apollographql.com/docs/apollo-server/performance/apq (automatic persisted queries)
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from graphql import GraphQLSchema

from contract.errors import Code
from gateway.bounds import Limits
from gateway.cache.lru import LruCache
from gateway.documents.limits import check_values
from gateway.documents.prepare import Document, hash_text, prepare
from gateway.documents.request import GraphQLRequest, PersistedQuery
from gateway.documents.store import DocumentStore
from gateway.errors import AccessError, RequestError, bad_request
from gateway.settings import Settings

PREPARED_ENTRIES = 5_000
PREPARED_WEIGHT = 500_000
"""Characters of text; a parsed document takes some 120 bytes for each."""
REFUSED_ENTRIES = 1_000
REFUSED_WEIGHT = 4 * 1024 * 1024
APQ_VERSION = 1
_HASH = re.compile(r"[0-9a-f]{64}")

_Key: TypeAlias = str | tuple[str, Limits]
"""A text, with the limits it was measured by where they are not everyone's."""


class Reader(msgspec.Struct, frozen=True):
    """Of whoever asks, what decides which documents run."""

    client: str = ""
    limits: Limits | None = None
    """None for everyone's."""
    trusted_only: bool = False


class Settled(msgspec.Struct, frozen=True):
    """A document that may run, whoever it was settled for."""

    document: Document
    until: float
    """By the clock of the store: a registry may take back what it registered."""


class Documents:
    """The documents of one schema; on a reload a new one is made."""

    def __init__(self, schema: GraphQLSchema, settings: Settings, store: DocumentStore) -> None:
        self._schema = schema
        self._settings = settings
        self._store = store
        self._prepared = LruCache[_Key, Document](PREPARED_ENTRIES, weight=PREPARED_WEIGHT)
        self._refused = LruCache[_Key, RequestError](REFUSED_ENTRIES, weight=REFUSED_WEIGHT)

    async def resolve(self, request: GraphQLRequest, reader: Reader) -> Document:
        """Raises `RequestError`, or `AccessError` where only trusted documents run."""
        self.check_values(request.variables, reader)
        if request.document_id is not None:
            text = await self._registered(request, request.document_id, reader)
            return self.prepare(text, reader.limits)
        if request.persisted_query is not None:
            return await self._persisted(request.query, request.persisted_query, reader)
        if request.query is None:
            raise bad_request("The request has no query.")
        await self._check_trusted(request.query, reader)
        return self.prepare(request.query, reader.limits)

    def known(self, request: GraphQLRequest, reader: Reader) -> Settled | None:
        """As `resolve`, where nobody has to be asked and nothing is wrong; the variables aside."""
        text, until = request.query, math.inf
        if request.persisted_query is not None:
            return None
        if request.document_id is not None:
            found = self._store.known(reader.client, request.document_id)
            if found is None or text not in (None, found[0]):
                return None
            text, until = found
        elif text is not None and (self._settings.trusted_only or reader.trusted_only):
            found = self._store.known(reader.client, hash_text(text))
            if found is None or found[0] != text:
                return None
            until = found[1]
        document = self._prepared.get(self._key(text, reader.limits)) if text is not None else None
        return None if document is None else Settled(document, until)

    def holds(self, until: float) -> bool:
        """Whether what is settled until then still is."""
        return self._store.clock() < until

    def check_values(self, variables: Mapping[str, Any], reader: Reader) -> None:
        """Raises `RequestError`."""
        if variables:
            check_values(variables, reader.limits or self._settings.limits)

    async def _registered(self, request: GraphQLRequest, document_id: str, reader: Reader) -> str:
        text = await self._store.registered(reader.client, document_id)
        if text is None:
            raise AccessError(Code.TRUSTED_DOCUMENT_REQUIRED)
        if request.query not in (None, text):
            raise bad_request("The request has both a document id and another document.")
        return text

    async def _persisted(
        self, query: str | None, persisted: PersistedQuery, reader: Reader
    ) -> Document:
        digest = persisted.sha256
        if persisted.version != APQ_VERSION or not _HASH.fullmatch(digest):
            raise bad_request("The persistedQuery extension is malformed, or of another version.")
        if query is not None:
            if hash_text(query) != digest:
                raise RequestError(Code.PERSISTED_QUERY_HASH_MISMATCH)
            await self._check_trusted(query, reader)
            document = self.prepare(query, reader.limits)
            if self._caches(reader):
                await self._store.cache(digest, query)
            return document
        text = await self._store.registered(reader.client, digest)
        if text is None and self._caches(reader):
            text = await self._store.cached(digest)
        if text is None:
            raise RequestError(Code.PERSISTED_QUERY_NOT_FOUND)
        return self.prepare(text, reader.limits)

    def _caches(self, reader: Reader) -> bool:
        """Whether documents that the client brings are kept for it."""
        return self._settings.open and not self._settings.trusted_only and not reader.trusted_only

    async def _check_trusted(self, text: str, reader: Reader) -> None:
        if not (self._settings.trusted_only or reader.trusted_only):
            return
        if await self._store.registered(reader.client, hash_text(text)) != text:
            raise AccessError(Code.TRUSTED_DOCUMENT_REQUIRED)

    def prepare(self, text: str, limits: Limits | None = None) -> Document:
        """Whatever the text is, no one has asked whether it may run. Raises `RequestError`."""
        key, limits = self._key(text, limits), limits or self._settings.limits
        document = self._prepared.get(key)
        if document is not None:
            return document
        refused = self._refused.get(key)
        if refused is not None:
            raise _afresh(refused)
        try:
            document = prepare(text, self._schema, limits, suggestions=self._settings.open)
        except RequestError as error:
            # Refusing is as dear as accepting: whoever repeats it should not cost us that again.
            # What was raised holds every frame it came through, and so the whole parsed document.
            self._refused.put(key, _afresh(error), weight=len(text))
            raise
        self._prepared.put(key, document, weight=len(text))
        return document

    def _key(self, text: str, limits: Limits | None) -> _Key:
        return text if limits is None or limits is self._settings.limits else (text, limits)


def _afresh(refused: RequestError) -> RequestError:
    return RequestError(refused.code, *refused.complaints, extensions=refused.extensions)
