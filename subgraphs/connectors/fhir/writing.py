"""Create and update resources, so that a write can be found again and overwrites no other.

A create carries a token as an identifier and is conditional on it, so that sent twice it is done
once; an update names the version it was made from. What is written is held to FHIR R4 before it
leaves. https://hl7.org/fhir/R4/http.html#ccreate, https://hl7.org/fhir/R4/http.html#concurrency
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

import httpx2
import msgspec

from subgraphs.connectors.errors import ProtocolViolation, Rejected
from subgraphs.connectors.fhir.conformance import nonconforming_elements
from subgraphs.connectors.fhir.search import Resource, first_page, read_resource

TOKEN_SYSTEM: Final = "urn:ietf:rfc:3986"  # noqa: S105 - the name of a code system
"""A token is a UUID, which is an identifier of its own by this system."""
_URN: Final = "urn:uuid:"
FHIR_JSON: Final = "application/fhir+json"
ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class NotConformingError(Exception):
    """The resource is not valid FHIR R4; `elements` are paths within it, without values."""

    def __init__(self, elements: tuple[str, ...]) -> None:
        super().__init__(f"not valid FHIR R4: {', '.join(elements)}")
        self.elements = elements


def is_stale(error: Rejected) -> bool:
    """Whether the server declined because the resource has changed since it was read."""
    return error.status in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT}


async def create(client: httpx2.AsyncClient, resource: Resource, token: str) -> Resource:
    """The resource as the server keeps it; that of an earlier create where the token is known."""
    conditional = {"If-None-Exist": conditional_on(token)}
    return await _send(
        client, "POST", resource["resourceType"], marked(resource, token), conditional
    )


async def update(client: httpx2.AsyncClient, resource: Resource, version: str) -> Resource:
    """Replace the version named; `Rejected`, with 412 or 409, where there is a newer one."""
    address = f"{resource['resourceType']}/{resource['id']}"
    return await _send(client, "PUT", address, resource, {"If-Match": f'W/"{version}"'})


async def find_written(
    client: httpx2.AsyncClient, resource_type: str, token: str
) -> Resource | None:
    """What was created under a token, if it has arrived."""
    return next(iter(await find_marked(client, resource_type, token)), None)


async def find_marked(client: httpx2.AsyncClient, resource_type: str, token: str) -> list[Resource]:
    """Everything of a type that carries a token: few, since one write marks few."""
    page = await first_page(client, resource_type, {"identifier": _searched(token)})
    # A server may leave out a parameter that it does not know, and give just any resource.
    return [row for row in page.resources() if is_marked(row, token)]


def marked(resource: Resource, token: str) -> Resource:
    """The resource with the token among its identifiers."""
    return {**resource, "identifier": [*resource.get("identifier", ()), _identifier(token)]}


def is_marked(resource: Resource, token: str) -> bool:
    return _identifier(token) in resource.get("identifier", ())


def unmarked(resource: Resource) -> Resource:
    """Without any token."""
    others = [each for each in resource.get("identifier", ()) if not _is_token(each)]
    kept = {name: value for name, value in resource.items() if name != "identifier"}
    return {**kept, "identifier": others} if others else kept


def conditional_on(token: str) -> str:
    return f"identifier={_searched(token)}"


def nonconforming(resource: Resource) -> tuple[str, ...]:
    return nonconforming_elements(resource["resourceType"], ENCODER.encode(resource))


async def _send(
    client: httpx2.AsyncClient,
    method: str,
    address: str,
    resource: Resource,
    condition: dict[str, str],
) -> Resource:
    content = ENCODER.encode(resource)
    wrong = await asyncio.to_thread(nonconforming_elements, resource["resourceType"], content)
    if wrong:
        raise NotConformingError(wrong)
    headers = {"Content-Type": FHIR_JSON, "Prefer": "return=representation", **condition}
    request = client.build_request(method, address, content=content, headers=headers)
    answer = await client.send(request)
    written = read_resource(answer.content)
    if written.get("resourceType") != resource["resourceType"] or "id" not in written:
        raise ProtocolViolation("a write was not answered with the resource")
    return written


def _is_token(identifier: object) -> bool:
    if not isinstance(identifier, dict) or identifier.get("system") != TOKEN_SYSTEM:
        return False
    return str(identifier.get("value", "")).startswith(_URN)


def _identifier(token: str) -> dict[str, str]:
    return {"system": TOKEN_SYSTEM, "value": f"{_URN}{token}"}


def _searched(token: str) -> str:
    return f"{TOKEN_SYSTEM}|{_URN}{token}"
