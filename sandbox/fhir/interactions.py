"""The interactions of a FHIR server, each a request answered from the store.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from sandbox.faults import Faults
from sandbox.fhir.bundles import page_bundle
from sandbox.fhir.matching import find_matches
from sandbox.fhir.outcome import Refusal
from sandbox.fhir.paging import Cursor, Cursors
from sandbox.fhir.parameters import PARAMETERS
from sandbox.fhir.search import read_search
from sandbox.fhir.store import Store, Stored
from sandbox.fhir.validation import read_resource
from sandbox.wire import encode

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: msgspec.Raw | None = None
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str | None = None

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


class Interactions:
    def __init__(self, store: Store, base: str, page_cap: int) -> None:
        self.base = base
        self.cursors = Cursors()
        self._store = store
        self._page_cap = page_cap

    def whole(self) -> AbstractContextManager[None]:
        """What is written within is undone where it ends with a refusal."""
        return self._store.whole()

    def read(self, type_: str, id_: str, headers: Mapping[str, str]) -> Answer:
        stored = self._store.get(type_, id_)
        if stored is None:
            raise Refusal(404, "not-found", "no such resource")
        if headers.get("if-none-match") == stored.etag:
            return Answer(304, None, (("etag", stored.etag),))
        return _whole(200, stored)

    def search(self, type_: str, pairs: Pairs, headers: Mapping[str, str], f: Faults) -> Answer:
        pairs = list(pairs)
        search = read_search(type_, pairs, self.base, multiple_or=f.multiple_or)
        if search.unknown and "handling=strict" in headers.get("prefer", ""):
            raise Refusal(400, "not-supported", "unknown: " + ", ".join(search.unknown))
        matches = tuple(find_matches(self._store, search))
        return self._page(Cursor(search, matches, 0), f"{self.base}/{type_}?{urlencode(pairs)}")

    def page(self, token: str) -> Answer:
        return self._page(self.cursors.get(token), f"{self.base}/_page/{token}")

    def create(self, type_: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        resource = read_resource(type_, body)
        if condition := headers.get("if-none-exist"):
            found = self._existing(type_, condition)
            if found is not None:
                return _whole(200, found)
        stored = self._store.put({**resource, "id": str(uuid.uuid4())})
        location = f"{self.base}/{stored.reference}/_history/{stored.version}"
        return _whole(201, stored, ("location", location))

    def update(self, type_: str, id_: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """An update changes what exists; only `create` makes anything, under an id of ours."""
        stored = self._store.get(type_, id_)
        if stored is None:
            raise Refusal(404, "not-found", "no such resource")
        if headers.get("if-match", stored.etag) != stored.etag:
            raise Refusal(412, "conflict", "the resource has changed since")
        resource = read_resource(type_, body)
        if resource.get("id") != id_:
            raise Refusal(400, "invalid", "the resource's id is not the address's")
        return _whole(200, self._store.put(resource))

    def _existing(self, type_: str, condition: str) -> Stored | None:
        """https://hl7.org/fhir/R4/http.html#ccreate"""
        search = read_search(type_, parse_qsl(condition), self.base, multiple_or=True)
        if search.unknown or not search.filters:
            raise Refusal(400, "not-supported", "If-None-Exist names no known parameter")
        matches = tuple(find_matches(self._store, search))
        if len(matches) > 1:
            raise Refusal(412, "multiple-matches", "more than one such resource exists")
        return matches[0] if matches else None

    def _page(self, cursor: Cursor, self_url: str) -> Answer:
        bundle: dict[str, Any] = page_bundle(
            self._store,
            self.cursors,
            cursor,
            base=self.base,
            page_cap=self._page_cap,
            self_url=self_url,
        )
        return Answer(200, msgspec.Raw(encode(bundle)))


def require_type(type_: str) -> str:
    if type_ not in PARAMETERS:
        raise Refusal(404, "not-supported", "this server has no such resource type")
    return type_


def _whole(status: int, stored: Stored, *more: tuple[str, str]) -> Answer:
    changed = datetime.fromisoformat(stored.last_updated)
    modified = format_datetime(changed.replace(microsecond=0), usegmt=True)
    return Answer(status, stored.raw, (("etag", stored.etag), ("last-modified", modified), *more))
