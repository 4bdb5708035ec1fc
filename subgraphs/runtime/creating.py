"""Creating one FHIR resource once, and what can come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import msgspec

from contract.errors import Code
from subgraphs.connectors.errors import CircuitOpen, RateLimited, Refused, Rejected
from subgraphs.connectors.fhir.writing import NotConformingError
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.writes import Writes

Wire: TypeAlias = dict[str, Any]


class RefusedError(Exception):
    """The source refused; nothing was done."""

    def __init__(self, source: str, refusal: Rejected | Refused) -> None:
        super().__init__(source)
        self.source = source
        self.refusal = refusal


class Created(msgspec.Struct, frozen=True):
    """The resource as its source keeps it."""

    resource: Wire


class CreatingServer(Protocol):
    """The part of a FHIR server that is needed here."""

    async def create(self, resource: Wire, token: str) -> Wire: ...

    async def find_written(self, resource_type: str, token: str) -> Wire | None: ...


@dataclass(frozen=True, slots=True)
class Creation:
    """`subgraphs.runtime.writes.Write`"""

    source: str
    server: CreatingServer
    resource: Wire
    outcome: type[Created] = Created

    async def send(self, token: str) -> Created:
        return Created(await self.server.create(self.resource, token))

    async def find(self, token: str) -> Created | None:
        found = await self.server.find_written(self.resource["resourceType"], token)
        return None if found is None else Created(found)


async def create_once(writes: Writes, asked: Asked, creation: Creation) -> Wire:
    """The resource that was created, now or when the same was asked before.

    Raises `RefusedError`, and what `Writes.perform` does where nobody can tell.
    """
    try:
        return (await writes.perform(asked, creation)).resource
    except (RateLimited, CircuitOpen) as busy:
        raise SourcesDownError([(creation.source, busy.state)], busy.retry_after) from None
    except (Rejected, Refused) as refusal:
        raise RefusedError(creation.source, refusal) from None
    except NotConformingError as wrong:
        raise ClientError(Code.BAD_USER_INPUT, elements=list(wrong.elements)) from None


def filled(**elements: Any) -> Wire:
    """Without what is empty: FHIR has no empty elements."""
    return {name: value for name, value in elements.items() if value not in (None, "", [], {})}
