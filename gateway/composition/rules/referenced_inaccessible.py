from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Argument, Field, has
from gateway.composition.types import base_name
from gateway.composition.whereabouts import whereabouts


def referenced_inaccessible(supergraph: Supergraph) -> Iterator[Problem]:
    """What clients see cannot be of a type they do not see."""
    custom = supergraph.composable.custom.definitions.values()
    for definition in (*supergraph.definitions, *custom):
        for argument in definition.arguments.values():
            yield from _hidden_type(supergraph, argument)
    for type_ in supergraph.types.values():
        if has(type_, "inaccessible"):
            continue
        for field in type_.fields.values():
            if has(field, "inaccessible"):
                continue
            visible: list[Field | Argument] = [
                field,
                *(a for a in field.arguments.values() if not has(a, "inaccessible")),
            ]
            for element in visible:
                yield from _hidden_type(supergraph, element)


def _hidden_type(supergraph: Supergraph, element: Field | Argument) -> Iterator[Problem]:
    name = base_name(element.type)
    if name in supergraph.types and has(supergraph.types[name], "inaccessible"):
        message = f'"{element.coordinate}" is visible but its type "{name}" is not'
        yield problem(
            "REFERENCED_INACCESSIBLE", message, *whereabouts(supergraph.subgraphs, element)
        )
