"""Cursors: what a `next` link means is known to this server alone, and not for ever.

A search is a snapshot: its pages hold what matched when it began, whatever is written meanwhile.
https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from sandbox.fhir.outcome import Refusal
from sandbox.fhir.search import Search
from sandbox.fhir.store import Stored

MAX_CURSORS = 2000


@dataclass(frozen=True, slots=True)
class Cursor:
    search: Search
    matches: tuple[Stored, ...]
    offset: int


class Cursors:
    """The newest ones are kept; an older one has expired."""

    def __init__(self, capacity: int = MAX_CURSORS) -> None:
        self._capacity = capacity
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()

    def keep(self, cursor: Cursor) -> str:
        token = secrets.token_urlsafe(18)
        self._cursors[token] = cursor
        if len(self._cursors) > self._capacity:
            self._cursors.popitem(last=False)
        return token

    def get(self, token: str) -> Cursor:
        cursor = self._cursors.get(token)
        if cursor is None:
            raise Refusal(410, "not-found", "this page has expired; search again")
        return cursor

    def type_of(self, token: str) -> str:
        """For the ledger, which must not raise."""
        cursor = self._cursors.get(token)
        return cursor.search.type if cursor else ""
