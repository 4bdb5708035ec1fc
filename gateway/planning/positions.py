"""Where a search has got to: a tree of positions, each with what it costs to be there.

A position is reached from its parent by entering a subgraph at the root, by a field, by narrowing
an abstract type, or by an entity move. Equal steps from one parent share one position, so that the
cost of several ways together counts what they have in common once. Sets of requests and of hops
are bit masks, and a union is one `|`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from gateway.federation.supergraph import ContextArgument
from gateway.operation.deferred import PRIMARY
from gateway.operation.tree import Argument, Condition, SelectionSet
from gateway.planning.budget import Budget
from gateway.planning.field_sets import FieldSet
from gateway.planning.query_graph import Node

Conditions: TypeAlias = tuple[Condition, ...]


class Step(Enum):
    ENTRY = auto()
    FIELD = auto()
    NARROW = auto()
    ENTITY = auto()


@dataclass(frozen=True, slots=True)
class Cost:
    """What is needed to be at some positions."""

    requests: int = 0
    """A bit for each wave and subgraph: fetches of one wave to one subgraph are one request."""
    hops: int = 0
    """A bit for each entry and entity move."""
    steps: int = 0
    """The steps on the way, each counted once more for every wave it waits for.

    It breaks ties: what is read early, from fewer places, is better. What ways share counts twice.
    """

    def __or__(self, other: Cost) -> Cost:
        return Cost(
            self.requests | other.requests, self.hops | other.hops, self.steps + other.steps
        )


@dataclass(frozen=True, slots=True)
class ContextSource:
    """An object that encloses an entity, from which an argument of its may come."""

    levels: int
    """How many fields it lies above the entity."""
    positions: tuple[Position, ...]
    """All positions at the object on the way to the entity, the innermost first."""
    types: tuple[str, ...]
    """The object types it must be of; none if it is of a fitting one anyway."""
    selections: SelectionSet


@dataclass(frozen=True, slots=True)
class Context:
    argument: ContextArgument
    sources: tuple[ContextSource, ...]
    """The nearest first."""


@dataclass(slots=True, eq=False)
class Position:
    id: int
    parent: Position | None
    step: Step
    subgraph: str
    node: Node | None
    """None at a leaf."""
    cost: Cost
    level: int
    """The wave of its fetch, from 0."""
    conditions: frozenset[Condition]
    """All that must hold for the value to be wanted, from the root on."""
    own_conditions: Conditions = ()
    part: int = PRIMARY
    """The deferred fragment it is for."""
    # A field's
    name: str = ""
    arguments: tuple[Argument, ...] = ()
    response_key: str | None = None
    """None for a field that only the plan needs; its key is settled later."""
    api_abstract: bool = False
    # A narrowing's
    type_condition: str = ""
    silent: bool = False
    """Nothing is asked of the subgraph: it knows the type only as an interface object."""
    # An entity move's
    key: FieldSet | None = None
    requires: FieldSet | None = None
    contexts: tuple[Context, ...] = ()
    """For the arguments of the fields that are read here and nowhere below."""
    needs: tuple[Position, ...] = ()
    """The leaves that must be there first."""
    hop: int = -1
    """Its place among entries and entity moves."""
    children: dict[object, Position] = field(default_factory=dict)

    @property
    def place(self) -> Node:
        """The node of a position that is no leaf."""
        assert self.node is not None
        return self.node

    @property
    def fetch(self) -> Position:
        """The entry or entity move whose fetch brings this position."""
        position = self
        while position.step not in (Step.ENTRY, Step.ENTITY):
            assert position.parent is not None
            position = position.parent
        return position

    @property
    def is_borrowed(self) -> bool:
        """Whether an earlier part's fetch brings it."""
        if self.part == PRIMARY:
            return False
        return self.fetch.part != self.part


@dataclass(slots=True)
class PositionTree:
    """Makes positions, and weighs them."""

    subgraphs: tuple[str, ...]
    """Sorted: a plan must not depend on the supergraph's order."""
    budget: Budget
    size: int = 0
    hops: list[Position] = field(default_factory=list)
    roots: dict[tuple[str, int], Position] = field(default_factory=dict)

    def entry(self, node: Node, part: int = PRIMARY) -> Position:
        key = (node.subgraph, part)
        if key not in self.roots:
            self.roots[key] = self._add(None, Step.ENTRY, node, node.subgraph, 0)
            self.roots[key].part = part
        return self.roots[key]

    def defer(self, position: Position, part: int) -> Position:
        """Another position at the same object, for what a deferred fragment reads of it."""
        child = position.children.get(part)
        if child is None:
            node = position.place
            child = self._add(position, Step.NARROW, node, position.subgraph, position.level)
            child.type_condition, child.part = node.type_name, part
            position.children[part] = child
        return child

    def reentry(self, parent: Position, node: Node) -> Position:
        """Enter a subgraph at the root type that the parent is a value of."""
        child = parent.children.get(node)
        if child is None:
            child = self._add(parent, Step.ENTRY, node, node.subgraph, parent.level + 1)
            parent.children[node] = child
        return child

    def field(
        self,
        parent: Position,
        name: str,
        arguments: tuple[Argument, ...],
        response_key: str | None,
        conditions: Conditions,
        target: Node | None,
        *,
        api_abstract: bool,
    ) -> Position:
        self.budget.spend_step()
        key = (name, arguments, response_key, conditions, target)
        child = parent.children.get(key)
        if child is None:
            subgraph = parent.subgraph
            child = self._add(parent, Step.FIELD, target, subgraph, parent.level, conditions)
            child.name, child.arguments, child.response_key = name, arguments, response_key
            child.api_abstract = api_abstract
            parent.children[key] = child
        return child

    def narrow(
        self,
        parent: Position,
        node: Node,
        type_condition: str,
        conditions: Conditions,
        needs: tuple[Position, ...] | None = None,
    ) -> Position:
        self.budget.spend_step()
        key = (type_condition, conditions, needs is not None)
        child = parent.children.get(key)
        if child is None:
            child = self._add(
                parent, Step.NARROW, node, parent.subgraph, parent.level, conditions, needs or ()
            )
            child.type_condition, child.silent = type_condition, needs is not None
            parent.children[key] = child
        return child

    def entity(
        self,
        parent: Position,
        node: Node,
        key_set: FieldSet,
        requires: FieldSet | None,
        needs: tuple[Position, ...],
        contexts: tuple[Context, ...] = (),
    ) -> Position:
        key = (node, requires, tuple(context.argument for context in contexts))
        child = parent.children.get(key)
        if child is None:
            level = 1 + max((parent.level, *(need.level for need in needs)))
            child = self._add(parent, Step.ENTITY, node, node.subgraph, level, (), needs)
            child.key, child.requires, child.contexts = key_set, requires, contexts
            parent.children[key] = child
        return child

    def weigh(self, cost: Cost) -> tuple[int, int, int]:
        """Requests and waves count most, then hops, then steps."""
        waves = -(-cost.requests.bit_length() // len(self.subgraphs))
        return (
            cost.requests.bit_count() + waves,
            cost.hops.bit_count(),
            cost.steps,
        )

    def _add(
        self,
        parent: Position | None,
        step: Step,
        node: Node | None,
        subgraph: str,
        level: int,
        conditions: Conditions = (),
        needs: tuple[Position, ...] = (),
    ) -> Position:
        self.budget.spend_position()
        cost = parent.cost if parent else Cost()
        for need in needs:
            cost |= Cost(need.cost.requests, need.cost.hops, 1)
        hop = -1
        if step in (Step.ENTRY, Step.ENTITY):
            hop = len(self.hops)
            request = 1 << (level * len(self.subgraphs) + self.subgraphs.index(subgraph))
            cost |= Cost(request, 1 << hop)
        position = Position(
            id=self.size,
            parent=parent,
            step=step,
            subgraph=subgraph,
            node=node,
            cost=Cost(cost.requests, cost.hops, cost.steps + 1 + level),
            level=level,
            conditions=parent.conditions.union(conditions) if parent else frozenset(conditions),
            own_conditions=conditions,
            part=parent.part if parent else PRIMARY,
            needs=needs,
            hop=hop,
        )
        self.size += 1
        if hop >= 0:
            self.hops.append(position)
        return position
