"""Find, for each leaf of an operation, every position at which it could be read.

A selection set is resolved from several positions at once, the alternatives for one object. From
each of them a field may be read directly, or behind an entity move. A field of an abstract type
may have to be asked of its members one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from gateway.operation.deferred import PRIMARY
from gateway.operation.tree import Defer, Field, InlineFragment, Operation, SelectionSet
from gateway.planning.budget import Budget
from gateway.planning.choose import Alternatives, choose
from gateway.planning.deferred import ANY_TYPE
from gateway.planning.entities import EntityMoves, Leaves
from gateway.planning.errors import PlanError
from gateway.planning.field_sets import TYPENAME, UNSETTLED
from gateway.planning.members import (
    Members,
    has_a_member_with,
    is_covered,
    members_at,
    must_expand,
    shared_members,
)
from gateway.planning.positions import Conditions, Position, PositionTree, Step
from gateway.planning.query_graph import QueryGraph

TYPENAME_FIELD = Field(parent_type="", name=TYPENAME)


@dataclass(frozen=True, slots=True)
class Paths:
    """All ways through the supergraph that an operation could take."""

    tree: PositionTree
    leaves: tuple[Alternatives, ...]


def find_paths(
    operation: Operation,
    graph: QueryGraph,
    labels: frozenset[str] = frozenset(),
    *,
    budget: Budget | None = None,
    entry: str | None = None,
    tell_apart: bool = False,
) -> Paths:
    """Raise `PlanError` where a field can be read nowhere, or the budget is used up.

    `entry` is the only subgraph to enter at the root, if it matters. With `tell_apart`, no subgraph
    is asked for fields of single members of an interface it knows as an interface object only.
    """
    tree = PositionTree(tuple(sorted(graph.supergraph.subgraphs)), budget or Budget())
    finder = _PathFinder(graph, labels, tree, tell_apart=tell_apart)
    entries = [
        tree.entry(node)
        for node in graph.entries(operation.root_type)
        if entry in (None, node.subgraph)
    ]
    try:
        return Paths(tree, tuple(finder.resolve(operation.selections, entries)))
    except _NoPathError as error:
        raise PlanError(f"no subgraph resolves {error}") from None


class _NoPathError(Exception):
    """Here is no way; there may be another elsewhere."""


class _PathFinder:
    def __init__(
        self, graph: QueryGraph, labels: frozenset[str], tree: PositionTree, *, tell_apart: bool
    ) -> None:
        self.graph = graph
        self.labels = labels
        self.tree = tree
        self.tell_apart = tell_apart
        self.moves = EntityMoves(graph, tree, self._leaves)

    def resolve(
        self,
        selections: Iterable[Field | InlineFragment],
        positions: Sequence[Position],
        allowed: Members | None = None,
    ) -> list[Alternatives]:
        """The leaves; `allowed` are the members of a union that all alternatives know."""
        leaves: list[Alternatives] = []
        for selection in selections:
            if isinstance(selection, InlineFragment):
                if selection.defer is None:
                    leaves += self._fragment(selection, positions, allowed)
                else:
                    leaves += self._deferred(selection, selection.defer, positions, allowed)
            elif not (selection.name.startswith("__") and self._is_root(positions[0])):
                leaves += self._field(selection, positions)
        return leaves

    def _is_root(self, position: Position) -> bool:
        """Introspection, and what a root type is called, is not for subgraphs to say."""
        return position.place.type_name in self.graph.supergraph.roots.values()

    # Fields

    def _field(self, selection: Field, positions: Sequence[Position]) -> list[Alternatives]:
        found = [
            candidate
            for position in positions
            for candidate in self._candidates(selection, position)
        ]
        if positions[0].part != PRIMARY:
            candidates, by_member = self._keep_apart(selection, positions, found)
        else:
            candidates = self._cheapest(found)
            by_member = self._ask_by_member(selection, positions, candidates)
        if by_member is not None:
            return by_member
        if not candidates:
            raise _NoPathError(f"{positions[0].place.type_name}.{selection.name}")
        if candidates[0].node is None:
            return [candidates]
        allowed = shared_members((candidate.place for candidate in candidates), self.graph)
        leaves = self.resolve(selection.selections, candidates, allowed)
        conditions = candidates[0].conditions
        part = candidates[0].part
        if all(leaf[0].conditions > conditions or leaf[0].part != part for leaf in leaves):
            # The object itself is wanted, even if nothing in it is.
            leaves.append(candidates)
        return leaves

    def _cheapest(self, candidates: Iterable[Position]) -> tuple[Position, ...]:
        """For each place that is reached, the way that costs least.

        Leaves from the same subgraph by way of other requests may go better with the rest.
        """
        found: dict[object, Position] = {}
        for candidate in candidates:
            place = candidate.node or (candidate.subgraph, candidate.cost.requests)
            known = found.get(place)
            if known is None or self.tree.weigh(candidate.cost) < self.tree.weigh(known.cost):
                found[place] = candidate
        return tuple(found.values())

    def _candidates(self, selection: Field, position: Position) -> Iterator[Position]:
        direct = self._read(selection, position, position)
        if direct is not None:
            yield direct
            if direct.node is None and not _may_leave(selection, position):
                return
        for entered in self._entered(selection, position):
            if candidate := self._read(selection, entered, position):
                yield candidate
        if self._is_inner_root(position):
            for node in self.graph.entries(position.place.type_name):
                if self.graph.field_move(node, selection.name, self.labels):
                    entry = self.tree.reentry(position, node)
                    if candidate := self._read(selection, entry, entry):
                        yield candidate

    def _entered(self, selection: Field, position: Position) -> Iterable[Position]:
        if _may_leave(selection, position):
            return self.moves.leave(position)
        if any(
            move.target is not position.node
            and self.graph.field_move(move.target, selection.name, self.labels)
            for move in self.graph.entity_moves(position.place)
        ):
            return self.moves.reach(position).open[1:]
        return ()

    def _is_inner_root(self, position: Position) -> bool:
        query_type = self.graph.supergraph.roots.get("query")
        return position.step is not Step.ENTRY and position.place.type_name == query_type

    def _read(self, selection: Field, at: Position, start: Position) -> Position | None:
        """Read the field at a position: `start`, or one behind an entity move from there."""
        move = self.graph.field_move(at.place, selection.name, self.labels)
        if move is None:
            return None
        if not move.is_plain:
            required = self.moves.enter_with(start, at.place, move)
            if required is None:
                return None
            at = required
        return self.tree.field(
            at,
            selection.name,
            selection.arguments,
            None if selection.alias == UNSETTLED else selection.response_key,
            selection.conditions,
            move.target,
            api_abstract=self.graph.is_abstract_field(selection.parent_type, selection.name),
        )

    # Deferred fragments

    def _deferred(
        self,
        fragment: InlineFragment,
        defer: Defer,
        positions: Sequence[Position],
        allowed: Members | None,
    ) -> list[Alternatives]:
        """What it selects is read by fetches of its own, as far as they can be had."""
        starts = [
            self.tree.entry(position.place, defer.number)
            if position.step is Step.ENTRY and position.parent is None
            else self.tree.defer(position, defer.number)
            for position in positions
        ]
        if fragment.type_condition == ANY_TYPE:
            return self.resolve(fragment.selections, starts, allowed)
        return self._fragment(replace(fragment, defer=None), starts, allowed)

    def _keep_apart(
        self, selection: Field, positions: Sequence[Position], found: Sequence[Position]
    ) -> tuple[Alternatives, list[Alternatives] | None]:
        """For a deferred field: what does not burden the fetches of an earlier part, if anything.

        It may be member by member that an abstract type can be asked without.
        """
        candidates = self._cheapest(found)
        if not any(_may_leave(selection, position) for position in positions):
            return candidates, self._ask_by_member(selection, positions, candidates)
        own = self._cheapest(each for each in found if not each.is_borrowed)
        if own:
            return own, None
        by_member = self._ask_by_member(selection, positions, ())
        if by_member and candidates and any(leaf[0].is_borrowed for leaf in by_member):
            by_member = None
        return candidates, by_member

    # Abstract types

    def _ask_by_member(
        self, selection: Field, positions: Sequence[Position], candidates: Alternatives
    ) -> list[Alternatives] | None:
        """Ask member by member where the abstract type cannot be asked, or not as cheaply."""
        if candidates:
            least = min(self.tree.weigh(candidate.cost)[:2] for candidate in candidates)
            positions = [
                position
                for position in positions
                if position.place.is_abstract
                and self.tree.weigh(position.cost)[:2] < least
                and has_a_member_with(position.place, selection.name, self.graph, self.labels)
            ]
        # Each subgraph must answer for every member it knows, or answers would differ.
        asked: dict[Position, list[Alternatives]] = {}
        for position in positions:
            # One that is narrowed already has no other members to offer.
            if position.place.is_abstract or (
                position.place.is_interface_object and not position.silent
            ):
                with suppress(_NoPathError):
                    if leaves := self._members_leaves(selection, (position,)):
                        asked[position] = leaves
        if len(asked) > 1:
            return self._members_leaves(selection, tuple(asked))
        return next(iter(asked.values()), None)

    def _members_leaves(
        self, selection: Field, positions: Sequence[Position]
    ) -> list[Alternatives]:
        members = {
            name for position in positions for name in members_at(position.place, self.graph)
        }
        return self._one_by_one(InlineFragment("", (), (selection,)), sorted(members), positions)

    def _fragment(
        self, fragment: InlineFragment, positions: Sequence[Position], allowed: Members | None
    ) -> list[Alternatives]:
        wanted = self.graph.possible(fragment.type_condition)
        if allowed is not None and not wanted <= allowed:
            narrowed = self._one_by_one(fragment, sorted(wanted & allowed), positions)
        elif any(
            must_expand(position.place, fragment.type_condition, self.graph)
            for position in positions
        ):
            members = {
                name for position in positions for name in members_at(position.place, self.graph)
            }
            narrowed = self._one_by_one(fragment, sorted(members & wanted), positions)
        else:
            inner = self._cheapest(
                candidate
                for position in positions
                for candidate in self._narrow(position, fragment)
            )
            narrowed = self.resolve(fragment.selections, inner) if inner else []
        return narrowed

    def _one_by_one(
        self, fragment: InlineFragment, members: Iterable[str], positions: Sequence[Position]
    ) -> list[Alternatives]:
        return [
            leaf
            for member in members
            for leaf in self._fragment(
                InlineFragment(member, fragment.conditions, fragment.selections), positions, None
            )
        ]

    def _narrow(self, position: Position, fragment: InlineFragment) -> Iterator[Position]:
        node, condition = position.place, fragment.type_condition
        conditions = fragment.conditions
        if is_covered(node, condition, self.graph):
            if conditions:
                yield self.tree.narrow(position, node, node.type_name, conditions)
            else:
                yield position
        elif node.is_interface_object and condition in members_at(node, self.graph):
            yield from self._narrow_interface_object(position, condition, conditions)
        elif condition in self.graph.supergraph.types and self.graph.members(
            condition, node.subgraph
        ) & members_at(position.place, self.graph):
            target = self.graph.narrow(node, condition)
            yield self.tree.narrow(position, target, condition, conditions)

    def _narrow_interface_object(
        self, position: Position, condition: str, conditions: Conditions
    ) -> Iterator[Position]:
        """The subgraph does not know the type; another one that does must tell it."""
        typename = None if self.tell_apart else self._leaves((TYPENAME_FIELD,), position)
        if typename is not None:
            node = position.place
            yield self.tree.narrow(position, node, condition, conditions, typename)
        for open_ in self.moves.reach(position).open[1:]:
            other = open_.place
            if other.is_abstract and condition in members_at(open_.place, self.graph):
                target = self.graph.narrow(other, condition)
                yield self.tree.narrow(open_, target, condition, conditions)

    def _leaves(self, selections: SelectionSet, position: Position) -> Leaves | None:
        """Where to read all of the selections at the least cost; None where it is impossible."""
        try:
            alternatives = self.resolve(selections, (position,))
        except _NoPathError:
            return None
        return choose(self.tree, alternatives, position.cost)


def _may_leave(selection: Field, position: Position) -> bool:
    """Keys and type names are best read where the object is."""
    return position.is_borrowed and selection.alias != UNSETTLED and selection.name != TYPENAME
