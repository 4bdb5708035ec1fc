"""Bundles of several interactions in one request.

Those of a batch are answered or refused each on its own; a transaction is done whole or not at all.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from sandbox.fhir.interactions import Answer
from sandbox.fhir.outcome import Refusal, outcome
from sandbox.httpserver import Request
from sandbox.ledger import Call
from sandbox.wire import encode

MAX_ENTRIES = 500
_ROOT = "/fhir/"


class _EntryRequest(msgspec.Struct, frozen=True, rename="camel"):
    method: str
    url: str
    if_none_match: str | None = None
    if_match: str | None = None
    if_none_exist: str | None = None


class _Entry(msgspec.Struct, frozen=True):
    request: _EntryRequest
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Batch(msgspec.Struct, frozen=True, rename="camel"):
    resource_type: str
    type: str
    entry: tuple[_Entry, ...] = ()


def classify_batch(request: Request, classify: Callable[[Request], Call]) -> tuple[Call, ...]:
    try:
        batch = msgspec.json.decode(request.body, type=_Batch)
    except msgspec.DecodeError:
        return ()
    return tuple(classify(_inner(entry)) for entry in batch.entry)


def answer_bundle(
    request: Request,
    interact: Callable[[Request], Answer],
    *,
    taken: Collection[str],
    whole: Callable[[], AbstractContextManager[None]],
) -> Answer:
    """`taken` are the types of Bundle taken; what happens within `whole` is undone by a refusal."""
    try:
        batch = msgspec.json.decode(request.body, type=_Batch)
    except msgspec.DecodeError:
        raise Refusal(400, "structure", "the body is not a Bundle of requests") from None
    if batch.resource_type != "Bundle" or batch.type not in taken:
        raise Refusal(400, "not-supported", "Bundles of this type are not taken")
    if len(batch.entry) > MAX_ENTRIES:
        raise Refusal(413, "too-long", f"a Bundle holds at most {MAX_ENTRIES} entries")
    if batch.type == "transaction":
        with whole():
            # In this order, whatever theirs: https://hl7.org/fhir/R4/http.html#trules
            places = sorted(range(len(batch.entry)), key=lambda at: _turn(batch.entry[at]))
            done = {at: _told(interact(_inner(batch.entry[at]))) for at in places}
        entries = [done[at] for at in range(len(batch.entry))]
    else:
        entries = [_answer_entry(_inner(entry), interact) for entry in batch.entry]
    bundle = {"resourceType": "Bundle", "type": f"{batch.type}-response"}
    return Answer(200, msgspec.Raw(encode({**bundle, "entry": entries} if entries else bundle)))


def _inner(entry: _Entry) -> Request:
    # Not urlsplit, which refuses some texts: whatever is asked for must be answerable.
    path, _, query = entry.request.url.partition("?")
    conditions = {
        "if-none-match": entry.request.if_none_match,
        "if-match": entry.request.if_match,
        "if-none-exist": entry.request.if_none_exist,
    }
    return Request(
        method=entry.request.method,
        path=_ROOT + path.lstrip("/"),
        query=query,
        headers={name: value for name, value in conditions.items() if value is not None},
        body=bytes(entry.resource),
    )


def _answer_entry(request: Request, interact: Callable[[Request], Answer]) -> dict[str, Any]:
    try:
        answer = interact(request)
    except Refusal as refusal:
        issue = outcome(refusal.issue, refusal.diagnostics)
        return {"response": {"status": str(refusal.status), "outcome": issue}}
    return _told(answer)


def _turn(entry: _Entry) -> int:
    return ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD").index(entry.request.method)


def _told(answer: Answer) -> dict[str, Any]:
    response = {"status": str(answer.status)}
    for name, key in (("etag", "etag"), ("location", "location")):
        value = answer.header(name)
        if value is not None:
            response[key] = value
    entry: dict[str, Any] = {"response": response}
    if answer.body is not None:
        entry["resource"] = answer.body
    return entry
