"""Which document a request wants, and whether it may be run here at all.

A request names a registered document, sends an automatic persisted query, or brings its text along.
Where only trusted documents run, a text will do if it is one of them, letter by letter.
https://github.com/graphql/graphql-over-http/pull/264 (persisted documents) and
https://www.apollographql.com/docs/apollo-server/performance/apq (automatic persisted queries)
"""

from __future__ import annotations

import re

from graphql import GraphQLSchema

from contract.errors import Code
from gateway.cache.lru import LruCache
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


class Documents:
    """The documents of one schema; on a reload a new one is made."""

    def __init__(self, schema: GraphQLSchema, settings: Settings, store: DocumentStore) -> None:
        self._schema = schema
        self._settings = settings
        self._store = store
        self._prepared: LruCache[str, Document] = LruCache(PREPARED_ENTRIES, weight=PREPARED_WEIGHT)
        self._refused: LruCache[str, RequestError] = LruCache(
            REFUSED_ENTRIES, weight=REFUSED_WEIGHT
        )

    async def resolve(self, request: GraphQLRequest, client: str) -> Document:
        """Raises `RequestError`, or `AccessError` where only trusted documents run."""
        if request.document_id is not None:
            return self.prepare(await self._registered(request, request.document_id, client))
        if request.persisted_query is not None:
            return await self._persisted(request.query, request.persisted_query, client)
        if request.query is None:
            raise bad_request("The request has no query.")
        await self._check_trusted(request.query, client)
        return self.prepare(request.query)

    async def _registered(self, request: GraphQLRequest, document_id: str, client: str) -> str:
        text = await self._store.registered(client, document_id)
        if text is None:
            raise AccessError(Code.TRUSTED_DOCUMENT_REQUIRED)
        if request.query not in (None, text):
            raise bad_request("The request has both a document id and another document.")
        return text

    async def _persisted(
        self, query: str | None, persisted: PersistedQuery, client: str
    ) -> Document:
        digest = persisted.sha256
        if persisted.version != APQ_VERSION or not _HASH.fullmatch(digest):
            raise bad_request("The persistedQuery extension is malformed, or of another version.")
        if query is not None:
            if hash_text(query) != digest:
                raise RequestError(Code.PERSISTED_QUERY_HASH_MISMATCH)
            await self._check_trusted(query, client)
            document = self.prepare(query)
            if self._settings.open and not self._settings.trusted_only:
                await self._store.cache(digest, query)
            return document
        text = await self._store.registered(client, digest)
        if text is None and self._settings.open and not self._settings.trusted_only:
            text = await self._store.cached(digest)
        if text is None:
            raise RequestError(Code.PERSISTED_QUERY_NOT_FOUND)
        return self.prepare(text)

    async def _check_trusted(self, text: str, client: str) -> None:
        if not self._settings.trusted_only:
            return
        if await self._store.registered(client, hash_text(text)) != text:
            raise AccessError(Code.TRUSTED_DOCUMENT_REQUIRED)

    def prepare(self, text: str) -> Document:
        """Whatever the text is, no one has asked whether it may run. Raises `RequestError`."""
        document = self._prepared.get(text)
        if document is not None:
            return document
        refused = self._refused.get(text)
        if refused is not None:
            raise RequestError(
                refused.code, *refused.complaints, extensions=refused.extensions
            ) from None
        try:
            settings = self._settings
            document = prepare(text, self._schema, settings.limits, suggestions=settings.open)
        except RequestError as error:
            # Refusing is as dear as accepting: whoever repeats it should not cost us that again.
            self._refused.put(text, error, weight=len(text))
            raise
        self._prepared.put(text, document, weight=len(text))
        return document
