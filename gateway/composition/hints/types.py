from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.composition.merge.arguments import argument_sources
from gateway.composition.merge.fields import resolving_sources
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Hint
from gateway.composition.schema import Argument, Field, Kind


def types(supergraph: Supergraph) -> Iterator[Hint]:
    """Types and defaults that differ and could be reconciled.

    INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE, INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE and
    INCONSISTENT_DEFAULT_VALUE_PRESENCE.
    """
    subgraphs = supergraph.subgraphs
    for name, kind in subgraphs.kinds.items():
        if kind not in (Kind.OBJECT, Kind.INTERFACE, Kind.INPUT):
            continue
        for sources in subgraphs.field_sources(name).values():
            fields = resolving_sources(subgraphs, sources)
            yield from _hints(fields, "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE")
            for arguments in argument_sources(fields).values():
                present = {n: argument for n, argument in arguments.items() if argument}
                if len(present) == len(arguments):
                    yield from _hints(present, "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE")


def _hints(sources: Mapping[str, Field | Argument], type_code: str) -> Iterator[Hint]:
    elements = list(sources.values())
    coordinate = elements[0].coordinate
    if len({element.type for element in elements}) > 1:
        said = ", ".join(f'"{element.type}" in "{name}"' for name, element in sources.items())
        yield Hint(type_code, f'"{coordinate}" is of different types: {said}', coordinate)
    if len({element.has_default for element in elements}) > 1:
        message = f'"{coordinate}" has a default in some subgraphs only, and so none here'
        yield Hint("INCONSISTENT_DEFAULT_VALUE_PRESENCE", message, coordinate)
