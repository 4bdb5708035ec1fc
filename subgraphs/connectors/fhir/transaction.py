"""Several writes as one: all of them are done, or none. https://hl7.org/fhir/R4/http.html#transaction

Each create carries its token and each update the version it was made from, as they would alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import httpx2
import msgspec

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.fhir.search import Resource
from subgraphs.connectors.fhir.writing import (
    ENCODER,
    FHIR_JSON,
    NotConformingError,
    conditional_on,
    marked,
    nonconforming,
)


@dataclass(frozen=True, slots=True)
class Create:
    resource: Resource
    token: str


@dataclass(frozen=True, slots=True)
class Update:
    resource: Resource
    version: str


Change: TypeAlias = Create | Update


async def transact(client: httpx2.AsyncClient, changes: Sequence[Change]) -> list[Resource]:
    """The resources as the server keeps them, in the order of the changes.

    `Rejected`, with 412 or 409, where one of them is stale; then nothing was done.
    """
    for change in changes:
        await asyncio.to_thread(_check, change.resource)
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [_entry(change) for change in changes],
    }
    request = client.build_request(
        "POST",
        str(client.base_url).rstrip("/"),  # [base] itself, without the slash httpx2 adds
        content=ENCODER.encode(bundle),
        headers={"Content-Type": FHIR_JSON, "Prefer": "return=representation"},
    )
    answer = await client.send(request)
    try:
        entries = _ANSWER.decode(answer.content).entry
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProtocolViolation("a transaction was not answered with its resources") from None
    kept = [entry.resource for entry in entries]
    asked = [change.resource["resourceType"] for change in changes]
    if [resource.get("resourceType") for resource in kept] != asked:
        raise ProtocolViolation("a transaction was not answered entry by entry")
    return kept


def _check(resource: Resource) -> None:
    wrong = nonconforming(resource)
    if wrong:
        raise NotConformingError(wrong)


def _entry(change: Change) -> dict[str, Any]:
    type_ = change.resource["resourceType"]
    if isinstance(change, Create):
        condition = conditional_on(change.token)
        request = {"method": "POST", "url": type_, "ifNoneExist": condition}
        return {"resource": marked(change.resource, change.token), "request": request}
    url = f"{type_}/{change.resource['id']}"
    request = {"method": "PUT", "url": url, "ifMatch": f'W/"{change.version}"'}
    return {"resource": change.resource, "request": request}


class _Entry(msgspec.Struct, frozen=True):
    resource: dict[str, Any]


class _Answer(msgspec.Struct, frozen=True):
    type: Literal["transaction-response"]
    entry: tuple[_Entry, ...] = ()


_ANSWER = msgspec.json.Decoder(_Answer, float_hook=Decimal)
