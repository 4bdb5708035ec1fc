"""What one document asks of a subgraph: the selections of some positions, merged and printed.

Two branches may ask under one response key for fields whose types differ. GraphQL forbids that in
one document, so the later one is asked for under an alias and renamed in the answer.
https://spec.graphql.org/October2021/#SameResponseShape()
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gateway.operation.tree import Argument, Condition
from gateway.planning.fetch_graph import FetchGraph
from gateway.planning.field_sets import TYPENAME
from gateway.planning.plan import Key, Path, Rename
from gateway.planning.positions import Conditions, Position, Step
from gateway.planning.query_graph import QueryGraph

Place: TypeAlias = list["Selected"]
"""The selection sets that apply to one object, nested fragments' included."""


CALL = "\0"
"""Stands in a document's text for the response key of the entity call around it."""


class ClashError(Exception):
    """One key would stand for two fields of one object.

    Only members of an interface whose subgraph cannot tell them apart can cause it.
    """


@dataclass(slots=True)
class Selected:
    """A selection set of a document while it grows."""

    typename: bool = False
    fields: dict[tuple[str, Conditions], SelectedField] = field(default_factory=dict)
    narrowed: dict[tuple[str, Conditions], Selected] = field(default_factory=dict)
    """Fragments by type, which is empty where only the conditions matter."""


@dataclass(slots=True)
class SelectedField:
    key: str
    name: str
    arguments: tuple[Argument, ...]
    conditions: Conditions
    shape: str
    """Its type, with every composite type alike."""
    below: Selected | None


def add_position(
    selected: Selected,
    position: Position,
    fetch_graph: FetchGraph,
    graph: QueryGraph,
    given: frozenset[Condition],
) -> None:
    """Add what the plan reads below a position within its fetch; `given` conditions hold."""
    node = position.node
    assert node is not None
    for child in position.children.values():
        if child not in fetch_graph.chosen or child.step in (Step.ENTITY, Step.ENTRY):
            continue
        conditions = tuple(c for c in child.own_conditions if c not in given)
        below: Selected | None
        if child.step is Step.FIELD:
            key = fetch_graph.keys.keys[child]
            if key == TYPENAME:
                selected.typename = True
                continue
            entry = selected.fields.get((key, conditions))
            if entry is None:
                entry = _field(child, key, conditions, position, graph)
                selected.fields[key, conditions] = entry
            elif (entry.name, entry.arguments) != (child.name, _arguments(child, position)):
                raise ClashError(key)
            below = entry.below
        elif child.silent or (child.type_condition == node.type_name and not conditions):
            below = selected
        else:
            # Not naming the type it has anyway: subgraphs may call their root types otherwise.
            name = "" if child.type_condition == node.type_name else child.type_condition
            below = selected.narrowed.setdefault((name, conditions), Selected())
        if below is not None:
            add_position(below, child, fetch_graph, graph, given)


def _field(
    child: Position, key: str, conditions: Conditions, parent: Position, graph: QueryGraph
) -> SelectedField:
    node = child.node
    shape = graph.field_type(parent.place, child.name)
    below = None
    if node is not None:
        # Without `__typename` nobody could tell what came back.
        below = Selected(node.is_abstract or (child.api_abstract and not node.is_interface_object))
        shape = shape.replace(node.type_name, "{}")
    return SelectedField(key, child.name, _arguments(child, parent), conditions, shape, below)


def _arguments(child: Position, parent: Position) -> tuple[Argument, ...]:
    contextual = (
        Argument(context.argument.name, f"${CALL}_{number}")
        for number, context in enumerate(parent.contexts)
    )
    return (*child.arguments, *contextual)


def merge_selected(one: Selected, other: Selected) -> Selected:
    """Both, in order. What they share is merged in place of the first."""
    merged = Selected(one.typename or other.typename, dict(one.fields), dict(one.narrowed))
    for name, entry in other.fields.items():
        known = merged.fields.get(name)
        if known is None:
            merged.fields[name] = entry
        elif known.below is not None and entry.below is not None:
            below = merge_selected(known.below, entry.below)
            merged.fields[name] = replace(known, below=below)
    for name, inner in other.narrowed.items():
        known_inner = merged.narrowed.get(name)
        merged.narrowed[name] = merge_selected(known_inner, inner) if known_inner else inner
    return merged


def rename_clashes(selected: Selected) -> tuple[Rename, ...]:
    """Give an alias to each field whose key is taken by one of another type; say which."""
    return tuple(_rename([selected], ()))


def _rename(place: Place, path: Path) -> Iterator[Rename]:
    shapes: dict[str, str] = {}
    below: dict[str, Place] = defaultdict(list)
    for selected in _flatten(place):
        for entry in selected.fields.values():
            key = entry.key
            shape = shapes.setdefault(key, entry.shape)
            if shape != entry.shape:
                entry.key = next(
                    alias
                    for number in range(len(shapes) + 1)
                    if shapes.setdefault(alias := f"_{key}_as_{number}", entry.shape) == entry.shape
                )
                yield Rename(path, entry.key, key)
            if entry.below is not None:
                below[entry.key].append(entry.below)
    for key, inner in below.items():
        yield from _rename(inner, (*path, Key(key)))


def _flatten(place: Sequence[Selected]) -> Iterator[Selected]:
    for selected in place:
        yield selected
        yield from _flatten(tuple(selected.narrowed.values()))


def print_selected(selected: Selected) -> str:
    parts = [TYPENAME] if selected.typename else []
    for entry in selected.fields.values():
        alias = "" if entry.key == entry.name else f"{entry.key}:"
        arguments = print_arguments(entry.arguments)
        below = print_selected(entry.below) if entry.below is not None else ""
        parts.append(f"{alias}{entry.name}{arguments}{print_conditions(entry.conditions)}{below}")
    for (type_name, conditions), inner in selected.narrowed.items():
        on_type = f"on {type_name}" if type_name else ""
        parts.append(f"...{on_type}{print_conditions(conditions)}{print_selected(inner)}")
    return f"{{{' '.join(parts or [TYPENAME])}}}"


def variables_of(selected: Selected) -> Iterator[str]:
    for entry in selected.fields.values():
        yield from (condition.variable for condition in entry.conditions)
        for argument in entry.arguments:
            yield from argument.variables
        if entry.below is not None:
            yield from variables_of(entry.below)
    for (_, conditions), inner in selected.narrowed.items():
        yield from (condition.variable for condition in conditions)
        yield from variables_of(inner)


def print_arguments(arguments: tuple[Argument, ...]) -> str:
    inner = ",".join(f"{argument.name}:{argument.value}" for argument in arguments)
    return f"({inner})" if inner else ""


def print_conditions(conditions: Conditions) -> str:
    return "".join(
        f"@{'include' if condition.include else 'skip'}(if:${condition.variable})"
        for condition in conditions
    )
