"""An encounter as the other subgraphs know it: what they have of it hangs on records' own ids.

Records alone knows which records of several sources are one visit, and tells in `recordKey`, which
travels between subgraphs only (`@requires(fields: "recordKey")`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, Self

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.crosswalk import Link, Linked, RecordKey
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_fields import Load, Node, page_facts
from subgraphs.runtime.fact_nodes import FACT_ID, RecordT
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.following import Read, held_by, pointing
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for

RECORD_KEY: Final = "The visit's records in each source, sealed."
ENCOUNTER: Final = "Encounter"


@strawberry.type
class EncounterNode:
    """What every subgraph but records knows of a visit; its own Encounter inherits it."""

    id: strawberry.ID = strawberry.field(description=FACT_ID)
    record_key: str | None = federation.field(external=True, default=None, description=RECORD_KEY)

    async def opened(self, request: Request[Any]) -> tuple[Compartment, tuple[Link, ...]]:
        """Whose it is, and its records; NOT_FOUND where the key is not this visit's."""
        key = request.subgraph.crosswalk.open_record_key(self.id, self.record_key or "")
        if key is None:
            raise ClientError(Code.NOT_FOUND)
        whose = Compartment(key.patient, key.linked.links, key.linked.born)
        return await request.directed(whose), key.records

    @classmethod
    async def resolve_references(
        cls, _request: Request[Any], representations: Sequence[Representation]
    ) -> list[Self | Exception]:
        return [cls._of(representation) for representation in representations]

    @classmethod
    def _of(cls, representation: Representation) -> Self | Exception:
        id_, key = representation.get("id"), representation.get("recordKey")
        if not isinstance(id_, str) or not isinstance(key, str | None):
            return ClientError(Code.BAD_REQUEST, "A representation lacks its key.")
        return cls(id=strawberry.ID(id_), record_key=key)


def record_key_of(request: Request[Any], fact: Fact[Any]) -> str:
    whose = fact.compartment
    records = tuple(Link(source, id_) for source, id_ in held_by(fact))
    key = RecordKey(whose.patient, Linked(whose.links, whose.born), records)
    return request.subgraph.crosswalk.seal_record_key(fact.id, key)


class Visit(Protocol):
    """An `Encounter`, records' own or another subgraph's."""

    id: strawberry.ID

    async def opened(self, request: Request[Any], /) -> tuple[Compartment, tuple[Link, ...]]: ...


def facts_of_encounter(
    resource: str,
    node: Callable[[], type[Node[RecordT]]],
    load: Load[RecordT],
    description: str,
    *,
    read: Read = lambda record: record.encounter,
    requires: Sequence[str] = ("recordKey",),
) -> Any:
    """A field of `Encounter`: pages of the patient's facts that refer to it by `read`.

    `resource` is the type whose readers may ask for it; `node` is called late, since an encounter
    and what was found in it name each other.
    """

    async def resolve(
        self: Visit, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Any]:
        compartment, records = await self.opened(info.context)
        gathered = await load(info.context, compartment)
        rows = tuple(pointing(gathered.rows, ENCOUNTER, read, records))
        kept = Gathered(rows, gathered.sources)
        scope = f"{info.field_name}:{self.id}"
        return page_facts(info.context, kept, node(), scope=scope, first=first, after=after)

    return federation.field(
        resolver=resolve,
        directives=[PAGE],
        requires=list(requires),
        requires_scopes=scopes_for(resource),
        description=description,
    )
