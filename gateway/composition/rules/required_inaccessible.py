from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.rules.field_argument_mismatch import is_required
from gateway.composition.schema import Field, Kind, TypeDefinition, has
from gateway.composition.types import NonNull
from gateway.composition.whereabouts import whereabouts


def required_inaccessible(supergraph: Supergraph) -> Iterator[Problem]:
    """Clients cannot give what they do not see."""
    for type_ in supergraph.types.values():
        if has(type_, "inaccessible"):
            continue
        for field in type_.fields.values():
            if type_.kind is Kind.INPUT:
                is_needed = isinstance(field.type, NonNull) and not field.has_default
                if is_needed and has(field, "inaccessible"):
                    message = f'Input field "{field.coordinate}" is required but hidden'
                    place = whereabouts(supergraph.subgraphs, field)
                    yield problem("REQUIRED_INACCESSIBLE", message, *place)
            elif not has(field, "inaccessible"):
                yield from _hidden_arguments(supergraph, type_, field)


def _hidden_arguments(
    supergraph: Supergraph, type_: TypeDefinition, field: Field
) -> Iterator[Problem]:
    for argument in field.arguments.values():
        if not has(argument, "inaccessible"):
            continue
        place = whereabouts(supergraph.subgraphs, argument)
        if is_required(argument):
            message = f'Argument "{argument.coordinate}" is required but hidden'
            yield problem("REQUIRED_INACCESSIBLE", message, *place)
        for implementation in supergraph.implementations(type_.name):
            own = implementation.fields[field.name].arguments.get(argument.name)
            if own and is_required(own) and not has(own, "inaccessible"):
                message = f'"{argument.coordinate}" is hidden but required in "{own.coordinate}"'
                yield problem("REQUIRED_INACCESSIBLE", message, *place)
