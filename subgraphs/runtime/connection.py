"""Relay connections over what a caller may see, with cursors that survive insertions.

A cursor seals a row's rank and id, not its offset: a row that appears before it neither repeats nor
hides another. Rows are filtered before they come here, so pages and counts know nothing of what is
withheld. https://relay.dev/graphql/connections.htm
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar

import strawberry
from strawberry.federation.schema_directives import ListSize

from subgraphs.runtime.datatypes import FEW, PageInfo, SourceStatus
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request

NodeT = TypeVar("NodeT")
RowT = TypeVar("RowT")

MAX_PAGE = 200
DEFAULT_PAGE = 50

PAGE: Final = ListSize(
    assumed_size=DEFAULT_PAGE,
    slicing_arguments=["first"],
    sized_fields=["edges", "nodes"],
    require_one_slicing_argument=False,
)
"""How many rows a connection is charged for before it is read."""

First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(
        description="Rows on the page: 50 if left out or negative; more than 200 are 200."
    ),
]
After: TypeAlias = Annotated[
    str | None,
    strawberry.argument(
        description="A cursor: the page is what follows it. One of another list is as none."
    ),
]


@strawberry.type(description="One row of a list and its place in it.")
class Edge(Generic[NodeT]):
    cursor: str = strawberry.field(description="Opaque; give it as `after` to go on from here.")
    node: NodeT = strawberry.field(description="The row.")


@strawberry.type(description="A page of a list, newest first unless the field says otherwise.")
class Connection(Generic[NodeT]):
    edges: list[Edge[NodeT]] = strawberry.field(description="The rows with their cursors.")
    nodes: list[NodeT] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    sources: list[SourceStatus] = strawberry.field(
        directives=[FEW],
        description="The state of each source that serves this list for this patient. Where one is "
        "not OK, rows may be missing.",
    )


@dataclass(frozen=True, slots=True)
class Listing(Generic[RowT]):
    """How rows become a connection: ids are unique, ranks sort as text, the greatest first."""

    id: Callable[[RowT], str]
    rank: Callable[[RowT], str]
    ascending: bool = False
    """The least first instead: names."""

    def position(self, row: RowT) -> tuple[str, str]:
        return self.rank(row), self.id(row)


def connect(
    request: Request[Any],
    listing: Listing[RowT],
    node: Callable[[RowT], NodeT],
    gathered: Gathered[RowT],
    *,
    scope: str,
    first: int | None = None,
    after: str | None = None,
) -> Connection[NodeT]:
    """Cut the page `first` rows long behind `after`; `scope` keeps cursors to their own list.

    A cursor that is not of this list cuts nothing off, as Relay has it: whoever comes with one sees
    rows again, but misses none. https://relay.dev/graphql/connections.htm#ApplyCursorsToEdges()
    """
    size = page_size(first)
    rows = sort_rows(listing, gathered.rows)
    ids = request.subgraph.ids
    place = ids.open_cursor(scope, after) if after is not None else None
    rest = rows if place is None else [row for row in rows if _is_behind(listing, row, place)]
    page = rest[:size]
    cursors = [ids.seal_cursor(scope, listing.position(row)) for row in page]
    nodes = [node(row) for row in page]
    return connection_of(
        nodes,
        cursors,
        has_next=len(rest) > size,
        has_previous=len(rest) < len(rows),
        sources=[SourceStatus.of(report) for report in gathered.sources],
    )


def connection_of(
    nodes: Sequence[NodeT],
    cursors: Sequence[str],
    *,
    has_next: bool,
    has_previous: bool,
    sources: Sequence[SourceStatus],
) -> Connection[NodeT]:
    return Connection(
        edges=[Edge(cursor=cursor, node=node) for cursor, node in zip(cursors, nodes, strict=True)],
        nodes=list(nodes),
        page_info=PageInfo(
            has_next_page=has_next,
            has_previous_page=has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
        sources=list(sources),
    )


def page_size(first: int | None) -> int:
    """What is no number of rows is as if left out, and counts so in the operation's cost too."""
    return DEFAULT_PAGE if first is None or first < 0 else min(first, MAX_PAGE)


def sort_rows(listing: Listing[RowT], rows: Sequence[RowT]) -> list[RowT]:
    """The greatest rank first, or the least; rows of one rank in order of their ids."""
    by_id = sorted(rows, key=listing.id)
    return sorted(by_id, key=listing.rank, reverse=not listing.ascending)


def _is_behind(listing: Listing[RowT], row: RowT, place: tuple[str, str]) -> bool:
    rank, id_ = listing.position(row)
    if rank != place[0]:
        return rank > place[0] if listing.ascending else rank < place[0]
    return id_ > place[1]
