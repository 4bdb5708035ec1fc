"""Where the entities of a fetch lie in the data, and what of them is shown to the subgraph.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec#query_entities
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from gateway.operation.tree import InlineFragment, SelectionSet
from gateway.planning.plan import (
    ContextSource,
    ContextVariable,
    Key,
    OnTypes,
    Path,
    Representation,
    RequiredField,
    RequiredFragment,
)
from gateway.planning.positions import Position, Step
from gateway.planning.query_graph import QueryGraph
from gateway.planning.response_keys import ResponseKeys, Shape

Required: TypeAlias = RequiredField | RequiredFragment


def target_path(position: Position, keys: ResponseKeys, graph: QueryGraph) -> Path:
    """From the root of the data to the object that an entity move starts at."""
    steps: list[Key | OnTypes] = []
    above = position.parent
    while above is not None:
        if above.step is Step.FIELD:
            steps.append(Key(keys.keys[above]))
        elif above.step is Step.NARROW:
            types = OnTypes(tuple(sorted(graph.possible(above.type_condition))))
            before = above.parent
            if before and before.node and before.node.type_name == above.type_condition:
                pass  # A fragment that is there for its conditions alone.
            elif not steps or steps[-1] != types:
                steps.append(types)
        above = above.parent
    return tuple(reversed(steps))


def representations_of(
    position: Position, keys: ResponseKeys, graph: QueryGraph
) -> tuple[Representation, ...]:
    """One, or one for each member where an interface's members go together."""
    source, target, key = position.parent, position.node, position.key
    assert source is not None
    assert source.node is not None
    assert target is not None
    assert key is not None
    shape = keys.shapes[source]
    types = _runtime_types(source, graph)
    if target.is_abstract and not source.node.is_interface_object:
        types = tuple(sorted(graph.members(source.node.type_name, source.subgraph)))
    by_interface = target.is_interface_object or source.node.is_interface_object
    identity = tuple(_required(key.selections, shape, graph))
    others = _required(position.requires.selections, shape, graph) if position.requires else ()
    names = tuple(field.name for field in identity if isinstance(field, RequiredField))
    fields = merge_required((*identity, *others))
    if by_interface:
        return (Representation(types, target.type_name, names, fields),)
    return tuple(Representation((type_,), type_, names, fields) for type_ in types)


def context_variables(
    position: Position, keys: ResponseKeys, graph: QueryGraph
) -> tuple[ContextVariable, ...]:
    return tuple(
        ContextVariable(
            context.argument.type,
            tuple(
                ContextSource(
                    source.levels,
                    source.types,
                    tuple(_required(source.selections, keys.shapes[source.positions[0]], graph)),
                )
                for source in context.sources
            ),
        )
        for context in position.contexts
    )


def join_representations(one: Representation, other: Representation) -> Representation | None:
    """Both at once; None where they differ in who is meant or in what a field's value is."""
    if (one.types, one.typename, one.keys) != (other.types, other.typename, other.keys):
        return None
    fields = merge_required((*one.fields, *other.fields))
    return None if _contradicts(fields) else replace(one, fields=fields)


def _contradicts(fields: Iterable[Required]) -> bool:
    """Whether one name stands for two values of one object, whatever its type."""
    sources: dict[str, str] = {}
    below: dict[str, list[Required]] = defaultdict(list)
    pending = list(fields)
    while pending:
        field = pending.pop()
        if isinstance(field, RequiredFragment):
            pending.extend(field.selections)
        elif sources.setdefault(field.name, field.response_key) != field.response_key:
            return True
        else:
            below[field.name].extend(field.selections)
    return any(_contradicts(inner) for inner in below.values())


def merge_required(fields: Iterable[Required]) -> tuple[Required, ...]:
    """Each field and each fragment once, in canonical order."""
    merged: dict[tuple[object, ...], Required] = {}
    for field in fields:
        if isinstance(field, RequiredField):
            name = (0, field.name, field.response_key)
            known = merged.get(name)
            inner = known.selections if known else ()
            merged[name] = RequiredField(
                field.name, field.response_key, merge_required((*inner, *field.selections))
            )
        else:
            types = (1, *field.types)
            known = merged.get(types)
            inner = known.selections if known else ()
            merged[types] = RequiredFragment(
                field.types, merge_required((*inner, *field.selections))
            )
    return tuple(merged[name] for name in sorted(merged))


def _required(selections: SelectionSet, shape: Shape, graph: QueryGraph) -> Iterator[Required]:
    for selection in selections:
        if isinstance(selection, InlineFragment):
            types = tuple(sorted(graph.possible(selection.type_condition)))
            yield RequiredFragment(types, tuple(_required(selection.selections, shape, graph)))
        else:
            key = shape.key_of((selection.name, selection.arguments))
            below = tuple(_required(selection.selections, shape.below[key], graph))
            yield RequiredField(selection.name, key, below)


def _runtime_types(source: Position, graph: QueryGraph) -> tuple[str, ...]:
    assert source.node is not None
    type_name, position = source.node.type_name, source
    while position.step is Step.NARROW and position.parent is not None:
        if position.silent:
            type_name = position.type_condition
            break
        position = position.parent
    # An interface without members is asked about under its own name, to be told that it is null.
    return tuple(sorted(graph.possible(type_name))) or (type_name,)
