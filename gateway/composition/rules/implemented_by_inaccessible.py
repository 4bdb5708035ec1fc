from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import TypeDefinition, has
from gateway.composition.whereabouts import whereabouts


def implemented_by_inaccessible(supergraph: Supergraph) -> Iterator[Problem]:
    """A visible interface's visible fields and arguments are visible where they are implemented."""
    for type_ in supergraph.types.values():
        for name in type_.interfaces:
            interface = supergraph.types[name]
            if not has(type_, "inaccessible") and not has(interface, "inaccessible"):
                yield from _hidden_parts(supergraph, type_, interface)


def _hidden_parts(
    supergraph: Supergraph, type_: TypeDefinition, interface: TypeDefinition
) -> Iterator[Problem]:
    for asked in interface.fields.values():
        field = type_.fields.get(asked.name)
        if field is None or has(asked, "inaccessible"):
            continue
        if has(field, "inaccessible"):
            message = f'"{field.coordinate}" is hidden but implements "{asked.coordinate}"'
            place = whereabouts(supergraph.subgraphs, field)
            yield problem("IMPLEMENTED_BY_INACCESSIBLE", message, *place)
            continue
        for argument in asked.arguments.values():
            own = field.arguments.get(argument.name)
            if own and has(own, "inaccessible") and not has(argument, "inaccessible"):
                message = f'"{own.coordinate}" is hidden but implements "{argument.coordinate}"'
                place = whereabouts(supergraph.subgraphs, own)
                yield problem("IMPLEMENTED_BY_INACCESSIBLE", message, *place)
