"""What a server says it can do. https://hl7.org/fhir/R4/capabilitystatement.html

US Core promises neither OR lists nor batches, so both are used only where the server offers them:
an OR list where the SearchParameter a resource's entry points to says `multipleOr`, a batch where
the statement lists that interaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2
import msgspec

from subgraphs.connectors.errors import ProtocolViolation, Refused, Rejected
from subgraphs.connectors.fhir.search import first_page
from subgraphs.connectors.status import Unauthorized

TRANSACTION = "transaction"
BATCHES = frozenset({"batch", TRANSACTION})
_STATEMENT = "CapabilityStatement"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`search_params` maps (type, parameter) to the canonical URL that defines it, if any."""

    software: str = ""
    fhir_version: str = ""
    batch: bool = False
    transaction: bool = False
    types: frozenset[str] = frozenset()
    search_params: Mapping[tuple[str, str], str | None] = field(default_factory=dict)


async def fetch_capabilities(client: httpx2.AsyncClient) -> Capabilities:
    """Read the statement; a server that has none offers only the plainest searches."""
    try:
        answer = await client.get("metadata")
    except Unauthorized:
        raise
    except (Rejected, Refused):
        return Capabilities()
    try:
        if msgspec.json.decode(answer.content, type=_Typed).resourceType != _STATEMENT:
            # Some answer what they do not know with an empty searchset.
            return Capabilities()
        statement = msgspec.json.decode(answer.content, type=_Statement)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProtocolViolation("the server's CapabilityStatement cannot be read") from None
    rest = next((rest for rest in statement.rest if rest.mode == "server"), _Rest())
    params = {
        (resource.type, param.name): param.definition
        for resource in rest.resource
        for param in (*rest.searchParam, *resource.searchParam)
    }
    return Capabilities(
        software=statement.software.name,
        fhir_version=statement.fhirVersion,
        batch=any(interaction.code in BATCHES for interaction in rest.interaction),
        transaction=any(interaction.code == TRANSACTION for interaction in rest.interaction),
        types=frozenset(resource.type for resource in rest.resource),
        search_params=params,
    )


async def fetch_multiple_or(client: httpx2.AsyncClient, canonical: str) -> bool:
    """Whether the SearchParameter of this canonical URL takes a list of values.

    One that lies below the server's own base is read there; any other is searched by its URL, as
    a server may hold definitions of FHIR or an implementation guide.
    """
    url, _, version = canonical.partition("|")
    try:
        if url.startswith(str(client.base_url)):
            answer = await client.get(url)
            found = [msgspec.json.decode(answer.content, type=_SearchParameter)]
        else:
            page = await first_page(client, "SearchParameter", {"url": url})
            found = msgspec.convert(page.resources(), type=list[_SearchParameter])
    except (Rejected, Refused, ProtocolViolation, msgspec.DecodeError, UnicodeDecodeError):
        # A server may define nothing itself; then nothing is promised.
        return False
    return any(
        definition.multipleOr
        for definition in found
        if definition.url == url and version in {"", definition.version}
    )


class _Coded(msgspec.Struct, frozen=True):
    code: str = ""


class _Param(msgspec.Struct, frozen=True):
    name: str
    definition: str | None = None


class _ResourceEntry(msgspec.Struct, frozen=True):
    type: str
    searchParam: tuple[_Param, ...] = ()  # noqa: N815 - FHIR's name


class _Rest(msgspec.Struct, frozen=True):
    mode: str = "server"
    interaction: tuple[_Coded, ...] = ()
    searchParam: tuple[_Param, ...] = ()  # noqa: N815 - FHIR's name
    resource: tuple[_ResourceEntry, ...] = ()


class _Software(msgspec.Struct, frozen=True):
    name: str = ""


class _Typed(msgspec.Struct, frozen=True):
    resourceType: str = _STATEMENT  # noqa: N815 - FHIR's name


class _Statement(msgspec.Struct, frozen=True):
    fhirVersion: str = ""  # noqa: N815 - FHIR's name
    software: _Software = _Software()
    rest: tuple[_Rest, ...] = ()


class _SearchParameter(msgspec.Struct, frozen=True):
    url: str
    version: str = ""
    multipleOr: bool = False  # noqa: N815 - FHIR's name
