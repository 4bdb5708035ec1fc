"""Contextual arguments: where on the way to a field the objects lie that its arguments come from.

An argument with `@fromContext` is filled from the nearest enclosing object of a type that sets the
context. Where that depends on the enclosing object's runtime type, there are several sources.
https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/entities/use-contexts
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from gateway.federation.supergraph import ContextArgument
from gateway.operation.tree import InlineFragment, SelectionSet
from gateway.planning.positions import Context, ContextSource, Position, Step
from gateway.planning.query_graph import QueryGraph


@dataclass(frozen=True, slots=True)
class Enclosing:
    """An object on the way to another."""

    levels: int
    """How many fields it lies above."""
    positions: tuple[Position, ...]
    """All positions at the object on the way, the innermost first."""

    @property
    def type_name(self) -> str:
        return _type_name(self.positions[0])

    def types(self, graph: QueryGraph) -> frozenset[str]:
        """The object types it may be of, for all that is known on the way."""
        known = (graph.possible(_type_name(position)) for position in self.positions)
        return frozenset.intersection(*known)


def find_context(argument: ContextArgument, start: Position, graph: QueryGraph) -> Context | None:
    """None where the context need not be set around an entity at `start`, or cannot be read."""
    setters = graph.setters(argument.context)
    sources: list[ContextSource] = []
    for enclosing in enclosing_objects(start):
        types = enclosing.types(graph)
        if not types & setters:
            continue
        selections = None
        if types <= setters:
            with suppress(KeyError):
                selections = graph.field_set(enclosing.type_name, argument.selection).selections
        fitting = tuple(sorted(types & setters))
        if selections is None:
            try:
                selections = tuple(
                    InlineFragment(name, (), graph.field_set(name, argument.selection).selections)
                    for name in fitting
                )
            except KeyError:
                return None
        only = () if types <= setters else fitting
        sources.append(ContextSource(enclosing.levels, enclosing.positions, only, selections))
        if types <= setters:
            return Context(argument, tuple(sources))
    return None


def selections_at(position: Position, source: ContextSource) -> SelectionSet:
    """The source's selections, seen from a position above the narrowings of its object."""
    type_name = _type_name(source.positions[0])
    if _type_name(position) == type_name:
        return source.selections
    return (InlineFragment(type_name, (), source.selections),)


def enclosing_objects(start: Position) -> Iterator[Enclosing]:
    """The nearest first; the object at `start` encloses nothing of itself."""
    objects: list[list[Position]] = [[]]
    above: Position | None = start
    while above is not None:
        objects[-1].append(above)
        if above.step is Step.FIELD:
            objects.append([])
        above = above.parent
    for levels, positions in enumerate(objects[1:], start=1):
        yield Enclosing(levels, tuple(positions))


def _type_name(position: Position) -> str:
    return position.type_condition if position.silent else position.place.type_name
