"""Send many searches as one batch Bundle. https://hl7.org/fhir/R4/http.html#transaction

Each entry is answered on its own, in the order asked. An entry that failed fails the call: rows
that are quietly missing would look like rows that do not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import httpx2
import msgspec

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.fhir.search import STRICT
from subgraphs.connectors.status import raise_for_status


async def batch(client: httpx2.AsyncClient, urls: Sequence[str]) -> list[bytes]:
    """GET every URL, relative to the server's base; the bodies in the same order."""
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    request = client.build_request(
        "POST",
        str(client.base_url).rstrip("/"),  # [base] itself, without the slash httpx2 adds
        content=msgspec.json.encode(bundle),
        headers={"Content-Type": "application/fhir+json", **STRICT},
        # Every entry is a GET, so all of it may be repeated.
        extensions={"idempotent": True},
    )
    answers = _read(await client.send(request)).entry
    if len(answers) != len(urls):
        raise ProtocolViolation("a batch was not answered entry by entry")
    return [_body(answer) for answer in answers]


class _Response(msgspec.Struct, frozen=True):
    status: str
    """`200` or `200 OK`."""
    outcome: msgspec.Raw = msgspec.Raw(b"")


class _Entry(msgspec.Struct, frozen=True):
    response: _Response
    resource: msgspec.Raw = msgspec.Raw(b"")


class _BatchResponse(msgspec.Struct, frozen=True):
    type: Literal["batch-response"]
    entry: tuple[_Entry, ...] = ()


def _read(response: httpx2.Response) -> _BatchResponse:
    try:
        return msgspec.json.decode(response.content, type=_BatchResponse)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProtocolViolation("a batch was not answered with a batch-response") from None


def _body(entry: _Entry) -> bytes:
    code = entry.response.status[:3]
    if not code.isdecimal():
        raise ProtocolViolation("an entry of a batch was answered without a status")
    if code[0] != "2":
        raise_for_status(int(code), httpx2.Headers(), bytes(entry.response.outcome))
    return bytes(entry.resource)
