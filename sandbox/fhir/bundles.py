"""Searchsets and their pages. https://hl7.org/fhir/R4/bundle.html#searchset"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from sandbox.fhir.matching import find_included
from sandbox.fhir.outcome import outcome
from sandbox.fhir.paging import Cursor, Cursors
from sandbox.fhir.store import Store, Stored
from sandbox.wire import encode


def page_bundle(
    store: Store, cursors: Cursors, cursor: Cursor, *, base: str, page_cap: int, self_url: str
) -> dict[str, Any]:
    search = cursor.search
    # No page is larger than the cap, whatever the client asks for; zero asks for the total alone.
    count = page_cap if search.count is None else min(search.count, page_cap)
    page = cursor.matches[cursor.offset : cursor.offset + count]
    following = cursor.offset + count
    links = [{"relation": "self", "url": self_url}]
    if count and following < len(cursor.matches):
        token = cursors.keep(Cursor(search, cursor.matches, following))
        links.append({"relation": "next", "url": f"{base}/_page/{token}"})
    entries = [
        *_entries(base, page, "match"),
        *_entries(base, find_included(store, search, page), "include"),
    ]
    if search.unknown:
        ignored = outcome("not-supported", "some parameters were ignored", "warning")
        entries.append({"resource": msgspec.Raw(encode(ignored)), "search": {"mode": "outcome"}})
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(cursor.matches),
        "link": links,
        # An empty array is not valid FHIR: https://hl7.org/fhir/R4/json.html
        **({"entry": entries} if entries else {}),
    }


def _entries(base: str, found: Iterable[Stored], mode: str) -> list[dict[str, Any]]:
    return [
        {
            "fullUrl": f"{base}/{stored.reference}",
            "resource": stored.raw,
            "search": {"mode": mode},
        }
        for stored in found
    ]
