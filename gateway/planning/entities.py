"""Which entity moves are open from a position.

This is worked out wave by wave: a move is open once one of its keys can be read at the position or
behind moves that are open already, so that keys of keys need no search and no cycle can arise.

A field with `@requires` is always read behind an entity move of its own, which carries the key and
what is required; what is required is read by the same rules from where the move starts. So is a
field with contextual arguments, whose values are read by the same rules from enclosing objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.operation.tree import SelectionSet
from gateway.planning.contexts import find_context, selections_at
from gateway.planning.field_sets import FieldSet
from gateway.planning.positions import ContextSource, Cost, Position, PositionTree
from gateway.planning.query_graph import EntityMove, FieldMove, Node, QueryGraph

Leaves: TypeAlias = tuple[Position, ...]
Key: TypeAlias = tuple[FieldSet, Leaves]
"""A key, and where it is read."""

FindLeaves: TypeAlias = Callable[[SelectionSet, Position], Leaves | None]
"""Where to read all of the selections from a position; None where that is impossible."""


@dataclass(slots=True)
class Reach:
    """What can be entered from a position while staying on the same entity."""

    open: list[Position]
    """The position itself first."""
    keys: dict[Node, Key] = field(default_factory=dict)
    """For each node that can be entered, its own included."""


@dataclass(slots=True)
class EntityMoves:
    graph: QueryGraph
    tree: PositionTree
    find_leaves: FindLeaves
    reaches: dict[Position, Reach] = field(default_factory=dict)
    unfinished: set[Node] = field(default_factory=set)
    """Nodes whose reach is being worked out: asked again further down, they offer no moves."""
    requiring: set[tuple[Node, Node, FieldMove]] = field(default_factory=set)
    """Requirements being resolved: one that needs itself cannot be met."""
    was_cut: bool = False
    """Whether an answer was cut short by what is unfinished, so that it must not be kept."""

    def reach(self, position: Position) -> Reach:
        known = self.reaches.get(position)
        if known is not None:
            return known
        node = position.place
        if node in self.unfinished:
            self.was_cut = True
            return Reach([position])
        was_cut, self.was_cut = self.was_cut, False
        self.unfinished.add(node)
        # What is open so far counts while the rest is worked out.
        reach = self.reaches[position] = Reach([position])
        self._open_moves(position, reach)
        self.unfinished.remove(node)
        is_whole = not (self.unfinished or self.requiring)
        if self.was_cut and not is_whole:
            del self.reaches[position]
        self.was_cut = not is_whole and (was_cut or self.was_cut)
        return reach

    def leave(self, position: Position) -> Iterator[Position]:
        """Wherever the entity can be entered anew, its own subgraph included."""
        reach = self.reach(position)
        yield from reach.open[1:]
        key = reach.keys.get(position.place)
        if key is not None:
            yield self.tree.entity(position, position.place, key[0], None, key[1])

    def enter_with(self, start: Position, target: Node, move: FieldMove) -> Position | None:
        """Enter (or enter again) the node with what one of its fields requires."""
        known = start.children.get((target, move.requires, move.contexts))
        if known is not None:
            return known
        guard = (start.place, target, move)
        if guard in self.requiring:
            self.was_cut = True
            return None
        key = self.reach(start).keys.get(target)
        if key is None:
            return None
        contexts = tuple(find_context(each, start, self.graph) for each in move.contexts)
        self.requiring.add(guard)
        required = move.requires.selections if move.requires else ()
        needs = [self.find_leaves(required, start)]
        needs += (
            self._context_leaves(source)
            for context in contexts
            for source in (context.sources if context else ())
        )
        self.requiring.remove(guard)
        leaves = [leaf for each in needs for leaf in each or ()]
        found = tuple(context for context in contexts if context)
        if None in needs or len(found) < len(contexts):
            return None
        return self.tree.entity(start, target, key[0], move.requires, (*key[1], *leaves), found)

    def _context_leaves(self, source: ContextSource) -> Leaves | None:
        """The cheapest from any position at the enclosing object."""
        positions = list(source.positions)
        if positions[-1].parent is None:
            # What encloses everything is the same object in every subgraph.
            entries = self.graph.entries(positions[-1].place.type_name)
            positions += (self.tree.entry(node) for node in entries)
        found = [
            (position, leaves)
            for position in positions
            if (leaves := self.find_leaves(selections_at(position, source), position)) is not None
        ]
        cheapest = min(found, key=lambda each: self.tree.weigh(_cost(*each)), default=None)
        return cheapest and cheapest[1]

    def _open_moves(self, position: Position, reach: Reach) -> None:
        closed = list(self.graph.entity_moves(position.place))
        opened: list[EntityMove] | None = None
        while opened is None or opened:
            opened, wave = [], []
            for move in closed:
                key = self._cheapest_key(move, position)
                if key is None:
                    continue
                opened.append(move)
                reach.keys[move.target] = key
                if move.target is not position.place:
                    wave.append(self.tree.entity(position, move.target, key[0], None, key[1]))
            closed = [move for move in closed if move not in opened]
            reach.open += wave

    def _cheapest_key(self, move: EntityMove, position: Position) -> Key | None:
        """Among those that can be read so far."""
        readable = [
            (key, leaves)
            for key in move.keys
            if (leaves := self.find_leaves(key.selections, position)) is not None
        ]
        return min(
            readable, key=lambda each: self.tree.weigh(_cost(position, each[1])), default=None
        )


def _cost(position: Position, leaves: Leaves) -> Cost:
    cost = position.cost
    for leaf in leaves:
        cost |= leaf.cost
    return cost
