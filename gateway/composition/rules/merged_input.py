from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.defaults import defaults_conflict
from gateway.composition.merge.leaves import is_hidden
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, names, problem
from gateway.composition.schema import Field, Kind
from gateway.composition.types import NonNull


def merged_input(supergraph: Supergraph) -> Iterator[Problem]:
    """An input object keeps the fields that all its subgraphs understand.

    REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH, INPUT_FIELD_DEFAULT_MISMATCH and
    EMPTY_MERGED_INPUT_TYPE.
    """
    for type_ in supergraph.types.values():
        if type_.kind is not Kind.INPUT:
            continue
        for sources in supergraph.subgraphs.field_sources(type_.name).values():
            yield from _field_problems(sources)
        if not type_.fields:
            message = f'No field of "{type_.name}" is known to all subgraphs that define it'
            first, source = next(iter(supergraph.subgraphs.sources(type_.name).items()))
            yield problem("EMPTY_MERGED_INPUT_TYPE", message, first, source.node)


def _field_problems(sources: dict[str, Field | None]) -> Iterator[Problem]:
    present = {name: field for name, field in sources.items() if field is not None}
    missing = [name for name in sources if name not in present]
    required = [
        name
        for name, field in present.items()
        if isinstance(field.type, NonNull) and not field.has_default
    ]
    last, field = list(present.items())[-1]
    if missing and required and not is_hidden(sources):
        message = (
            f'"{field.coordinate}" is required in {names(required)} but unknown in {names(missing)}'
        )
        code = "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH"
        yield problem(code, message, required[0], present[required[0]].node)
    if defaults_conflict(list(present.values())):
        message = f'Input field "{field.coordinate}" has different defaults'
        yield problem("INPUT_FIELD_DEFAULT_MISMATCH", message, last, field.node)
