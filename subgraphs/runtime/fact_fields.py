"""What every kind of fact offers, declared in a line: itself by its id, and lists of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

import strawberry
from strawberry import federation

from subgraphs.runtime.access import Compartment
from subgraphs.runtime.connection import PAGE, After, Connection, First, Listing, connect
from subgraphs.runtime.fact_nodes import PatientNode, RecordT
from subgraphs.runtime.facts import Fact, load_by_id
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.kinds import Kind
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for


class Node(Protocol[RecordT]):
    """A GraphQL type that shows facts of one kind."""

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[RecordT], /) -> Any: ...


Load = Callable[[Request[Any], Compartment], Awaitable[Gathered[Fact[RecordT]]]]
"""The facts of one kind that the caller may see of a patient."""


def facts_by_id(kind: Kind[RecordT], load: Load[RecordT]) -> Any:
    """A type's `resolve_references`: those among what `load` finds, in one batch."""

    async def resolve_references(
        cls: type[Node[RecordT]], request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        ids = [representation.get("id") for representation in representations]
        facts = await load_by_id(request, kind, ids, lambda patient: load(request, patient))
        return [fact if isinstance(fact, Exception) else cls.of(request, fact) for fact in facts]

    return classmethod(resolve_references)


def facts_of_patient(node: type[Node[RecordT]], load: Load[RecordT], description: str) -> Any:
    """A field of `Patient`: pages of all her facts of a kind, for those who may read that type."""

    async def resolve(
        self: PatientNode, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Any]:
        return await list_facts(info, self, load, node, first=first, after=after)

    return federation.field(
        resolver=resolve,
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for(node.__name__),
        description=description,
    )


async def list_facts(
    info: strawberry.Info,
    patient: PatientNode,
    load: Load[RecordT],
    node: type[Node[RecordT]],
    *,
    first: int | None,
    after: str | None,
    keep: Callable[[RecordT], bool] = lambda _: True,
) -> Connection[Any]:
    """A page of a patient's facts of one kind, those that `keep` wants."""
    request: Request[Any] = info.context
    gathered = await load(request, await request.compartment(patient.id, patient.links))
    rows = tuple(fact for fact in gathered.rows if keep(fact.resource))
    kept = Gathered(rows, gathered.sources)
    scope = f"{info.field_name}:{patient.id}"
    return page_facts(request, kept, node, scope=scope, first=first, after=after)


def page_facts(
    request: Request[Any],
    gathered: Gathered[Fact[RecordT]],
    node: type[Node[RecordT]],
    *,
    scope: str,
    first: int | None,
    after: str | None,
) -> Connection[Any]:
    """A page of facts that are here already; `scope` keeps its cursors to this list."""

    def show(fact: Fact[RecordT]) -> Any:
        return node.of(request, fact)

    return connect(request, _LISTING, show, gathered, scope=scope, first=first, after=after)


_LISTING: Final[Listing[Fact[Any]]] = Listing(id=lambda fact: fact.id, rank=lambda fact: fact.rank)
