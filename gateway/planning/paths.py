"""Find, for each leaf of an operation, every position at which it could be read.

A selection set is resolved from several positions at once, the alternatives for one object. From
each of them a field may be read directly, or behind an entity move. Which moves are open is worked
out wave by wave: a move is open once one of its keys can be read at the position or behind moves
that are open already, so that keys of keys need no search and no cycle can arise.

A field with `@requires` is always read behind an entity move of its own, which carries the key and
what is required; what is required is resolved by the same rules from where the move starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.operation.tree import Field, InlineFragment, SelectionSet
from gateway.planning.choose import Alternatives, choose
from gateway.planning.errors import PlanError
from gateway.planning.positions import Conditions, Cost, Position, PositionTree
from gateway.planning.query_graph import (
    TYPENAME,
    UNSETTLED,
    EntityMove,
    FieldSet,
    Node,
    QueryGraph,
)

Members: TypeAlias = frozenset[str]
Leaves: TypeAlias = tuple[Position, ...]

TYPENAME_FIELD = Field(parent_type="", name=TYPENAME)


@dataclass(frozen=True, slots=True)
class Paths:
    """All ways through the supergraph that an operation could take."""

    tree: PositionTree
    leaves: tuple[Alternatives, ...]


def find_paths(
    selections: SelectionSet, root_type: str, graph: QueryGraph, labels: frozenset[str]
) -> Paths:
    """Raise `PlanError` where a field can be read nowhere."""
    tree = PositionTree(tuple(sorted(graph.supergraph.subgraphs)))
    finder = _PathFinder(graph, labels, tree)
    wanted = [s for s in selections if not (isinstance(s, Field) and s.name.startswith("__"))]
    entries = [tree.entry(node) for node in graph.entries(root_type)]
    try:
        return Paths(tree, tuple(finder.resolve(wanted, entries)))
    except _NoPathError as error:
        raise PlanError(f"no subgraph resolves {error}") from None


class _NoPathError(Exception):
    """Here is no way; there may be another elsewhere."""


@dataclass(slots=True)
class _Reach:
    """What can be entered from a position while staying on the same entity."""

    open: list[Position]
    """The position itself first."""
    keys: dict[Node, tuple[FieldSet, Leaves]] = field(default_factory=dict)
    """For each node that can be entered, the key it takes and where that is read."""


@dataclass(slots=True)
class _PathFinder:
    graph: QueryGraph
    labels: frozenset[str]
    tree: PositionTree
    reaches: dict[Position, _Reach] = field(default_factory=dict)
    unfinished: dict[Node, Position] = field(default_factory=dict)
    """Nodes whose reach is being worked out: asked again further down, they offer no moves."""
    requiring: set[tuple[Node | None, Node, FieldSet]] = field(default_factory=set)
    """Requirements being resolved: one that needs itself cannot be met."""
    was_cut: bool = False
    """Whether an answer was cut short by what is unfinished, so that it must not be kept."""

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
                leaves += self._fragment(selection, positions, allowed)
            else:
                leaves += self._field(selection, positions)
        return leaves

    # Fields

    def _field(self, selection: Field, positions: Sequence[Position]) -> list[Alternatives]:
        candidates = self._cheapest(
            candidate
            for position in positions
            for candidate in self._candidates(selection, position)
        )
        asked = self._to_ask_by_member(selection, positions, candidates)
        members = sorted({name for position in asked for name in self._members(position)})
        if members:
            return self._one_by_one(InlineFragment("", (), (selection,)), members, asked)
        if not candidates:
            raise _NoPathError(f"{_node(positions[0]).type_name}.{selection.name}")
        if candidates[0].node is None:
            return [candidates]
        allowed = self._shared_members(candidates)
        leaves = self.resolve(selection.selections, candidates, allowed)
        conditions = candidates[0].conditions
        if all(leaf[0].conditions > conditions for leaf in leaves):
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
            if direct.node is None:
                return
        if any(
            move.target is not position.node
            and self.graph.field_move(move.target, selection.name, self.labels)
            for move in self.graph.entity_moves(_node(position))
        ):
            for open_ in self._reach(position).open[1:]:
                if candidate := self._read(selection, open_, position):
                    yield candidate

    def _read(self, selection: Field, at: Position, start: Position) -> Position | None:
        """Read the field at a position: `start`, or one behind an entity move from there."""
        move = self.graph.field_move(_node(at), selection.name, self.labels)
        if move is None:
            return None
        if move.requires is not None:
            required = self._enter_with(start, _node(at), move.requires)
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

    # Abstract types

    def _to_ask_by_member(
        self, selection: Field, positions: Sequence[Position], candidates: Alternatives
    ) -> list[Position]:
        """Where to ask member by member, as the abstract type cannot be asked as cheaply."""
        abstract = [position for position in positions if _node(position).is_abstract]
        if not candidates:
            # Each subgraph must answer for every member it knows, or answers would differ.
            abstract = [p for p in positions if self._resolves_members(p, selection)]
        else:
            least = min(self.tree.weigh(candidate.cost)[:2] for candidate in candidates)
            abstract = [
                position
                for position in abstract
                if self.tree.weigh(position.cost)[:2] < least
                and self._has_a_member_with(position, selection.name)
                and self._resolves_members(position, selection)
            ]
        return abstract

    def _resolves_members(self, position: Position, selection: Field) -> bool:
        node = _node(position)
        if not (node.is_abstract or node.is_interface_object):
            return False
        try:
            self._one_by_one(
                InlineFragment(node.type_name, (), (selection,)),
                sorted(self._members(position)),
                (position,),
            )
        except _NoPathError:
            return False
        return True

    def _has_a_member_with(self, position: Position, name: str) -> bool:
        node = _node(position)
        return any(
            (move := self.graph.field_move(self.graph.narrow(node, member), name, self.labels))
            and move.requires is None
            for member in self._members(position)
        )

    def _members(self, position: Position) -> Members:
        node = _node(position)
        if node.is_interface_object:
            return self.graph.possible(node.type_name)
        return self.graph.members(node.type_name, node.subgraph)

    def _shared_members(self, positions: Alternatives) -> Members | None:
        """The members of a union that every subgraph in question knows.

        What one subgraph calls a member another may not, and an answer must not depend on which
        of them is asked.
        """
        if len({position.subgraph for position in positions}) == 1:
            return None
        if not any(self.graph.is_union(_node(position).type_name) for position in positions):
            return None
        return frozenset.intersection(*(self._members(position) for position in positions))

    def _fragment(
        self, fragment: InlineFragment, positions: Sequence[Position], allowed: Members | None
    ) -> list[Alternatives]:
        wanted = self.graph.possible(fragment.type_condition)
        if allowed is not None and not wanted <= allowed:
            narrowed = self._one_by_one(fragment, sorted(wanted & allowed), positions)
        elif any(self._must_expand(position, fragment.type_condition) for position in positions):
            members = {name for position in positions for name in self._members(position)}
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

    def _must_expand(self, position: Position, condition: str) -> bool:
        """Whether the subgraph would not understand the condition as the supergraph means it."""
        node = _node(position)
        if node.type_name == condition or not (node.is_abstract or node.is_interface_object):
            return False
        wanted = self.graph.possible(condition)
        if wanted == {condition}:
            return False
        here = self._members(position)
        if node.is_interface_object:
            return not here <= wanted
        return here & wanted != here & self.graph.members(condition, node.subgraph)

    def _narrow(self, position: Position, fragment: InlineFragment) -> Iterator[Position]:
        node, condition = _node(position), fragment.type_condition
        conditions = fragment.conditions
        if node.type_name == condition or self._is_covered(node, condition):
            if conditions:
                yield self.tree.narrow(position, node, node.type_name, conditions)
            else:
                yield position
        elif node.is_interface_object:
            yield from self._narrow_interface_object(position, condition, conditions)
        elif condition in self.graph.supergraph.types and self.graph.members(
            condition, node.subgraph
        ) & self._members(position):
            target = self.graph.narrow(node, condition)
            yield self.tree.narrow(position, target, condition, conditions)

    def _is_covered(self, node: Node, condition: str) -> bool:
        if node.is_abstract:
            return False
        wanted = self.graph.possible(condition)
        if node.is_interface_object:
            return wanted != {condition} and self.graph.possible(node.type_name) <= wanted
        return node.type_name in wanted

    def _narrow_interface_object(
        self, position: Position, condition: str, conditions: Conditions
    ) -> Iterator[Position]:
        """The subgraph does not know the type; another one that does must tell it."""
        typename = self._leaves((TYPENAME_FIELD,), position)
        if typename is not None:
            node = _node(position)
            yield self.tree.narrow(position, node, condition, conditions, typename)
        for open_ in self._reach(position).open[1:]:
            other = _node(open_)
            if other.is_abstract and condition in self._members(open_):
                target = self.graph.narrow(other, condition)
                yield self.tree.narrow(open_, target, condition, conditions)

    # Entities

    def _reach(self, position: Position) -> _Reach:
        known = self.reaches.get(position)
        if known is not None:
            return known
        node = _node(position)
        if node in self.unfinished:
            self.was_cut = True
            return _Reach([position])
        was_cut, self.was_cut = self.was_cut, False
        self.unfinished[node] = position
        reach = self.reaches[position] = _Reach([position])
        self._open_moves(position, reach)
        del self.unfinished[node]
        if self.was_cut:
            del self.reaches[position]
        self.was_cut = was_cut or (self.was_cut and bool(self.unfinished))
        return reach

    def _open_moves(self, position: Position, reach: _Reach) -> None:
        closed = list(self.graph.entity_moves(_node(position)))
        opened = True
        while opened:
            opened = False
            wave = []
            for move in list(closed):
                key = self._open(move, position)
                if key is None:
                    continue
                opened = True
                closed.remove(move)
                reach.keys[move.target] = key
                if move.target is not _node(position):
                    wave.append(self.tree.entity(position, move.target, key[0], None, key[1]))
            reach.open += wave

    def _open(self, move: EntityMove, position: Position) -> tuple[FieldSet, Leaves] | None:
        """The cheapest key that can be read so far, and where."""
        readable = [
            (key, leaves)
            for key in move.keys
            if (leaves := self._leaves(key.selections, position)) is not None
        ]
        return min(
            readable,
            key=lambda each: self.tree.weigh(_cost(position, each[1])),
            default=None,
        )

    def _enter_with(self, start: Position, target: Node, requires: FieldSet) -> Position | None:
        """Enter (or enter again) the node with what one of its fields requires."""
        known = start.children.get((target, requires))
        if known is not None:
            return known
        guard = (start.node, target, requires)
        if guard in self.requiring:
            self.was_cut = True
            return None
        key = self._reach(start).keys.get(target)
        if key is None:
            return None
        self.requiring.add(guard)
        needs = self._leaves(requires.selections, start)
        self.requiring.remove(guard)
        if needs is None:
            return None
        return self.tree.entity(start, target, key[0], requires, (*key[1], *needs))

    def _leaves(self, selections: SelectionSet, position: Position) -> Leaves | None:
        """Where to read all of the selections at the least cost; None where it is impossible."""
        try:
            alternatives = self.resolve(selections, (position,))
        except _NoPathError:
            return None
        return choose(self.tree, alternatives, position.cost)


def _node(position: Position) -> Node:
    assert position.node is not None
    return position.node


def _cost(position: Position, leaves: Leaves) -> Cost:
    cost = position.cost
    for leaf in leaves:
        cost |= leaf.cost
    return cost
