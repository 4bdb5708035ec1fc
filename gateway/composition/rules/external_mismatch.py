from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Argument, Field
from gateway.composition.subgraphs import Subgraphs
from gateway.composition.types import is_strict_subtype, is_subtype


def external_mismatch(supergraph: Supergraph) -> Iterator[Problem]:
    """An external field must be declared as those resolve it who do.

    EXTERNAL_TYPE_MISMATCH, EXTERNAL_ARGUMENT_MISSING, EXTERNAL_ARGUMENT_TYPE_MISMATCH and
    EXTERNAL_ARGUMENT_DEFAULT_MISMATCH.
    """
    subgraphs = supergraph.subgraphs
    for type_name, field_name, sources in subgraphs.fields():
        merged = supergraph.types[type_name].fields[field_name]
        external = {
            name: field
            for name, field in sources.items()
            if field is not None and subgraphs.by_name[name].facts.is_external(field)
        }
        present = [field for field in sources.values() if field is not None]
        if len(external) == len(present):
            continue
        resolved_types = {f.type for n, f in sources.items() if f is not None and n not in external}
        for subgraph, field in external.items():
            is_narrower = len(resolved_types) > 1 and is_strict_subtype(
                merged.type, field.type, subgraphs.is_possible
            )
            if field.type != merged.type and not is_narrower:
                message = (
                    f'External field "{field.coordinate}" is of type "{field.type}"'
                    f' but resolved with "{merged.type}"'
                )
                yield problem("EXTERNAL_TYPE_MISMATCH", message, subgraph, field.node)
            for argument in merged.arguments.values():
                yield from _argument_problems(subgraphs, subgraph, field, argument)


def _argument_problems(
    subgraphs: Subgraphs, subgraph: str, field: Field, merged: Argument
) -> Iterator[Problem]:
    own = field.arguments.get(merged.name)
    if own is None:
        message = f'External field "{field.coordinate}" lacks argument "{merged.name}"'
        yield problem("EXTERNAL_ARGUMENT_MISSING", message, subgraph, field.node)
        return
    if not is_subtype(own.type, merged.type, subgraphs.is_possible):
        message = f'"{own.coordinate}" is of type "{own.type}" but resolved with "{merged.type}"'
        yield problem("EXTERNAL_ARGUMENT_TYPE_MISMATCH", message, subgraph, own.node)
    if (own.has_default, own.default) != (merged.has_default, merged.default):
        message = f'"{own.coordinate}" has another default where it is resolved'
        yield problem("EXTERNAL_ARGUMENT_DEFAULT_MISMATCH", message, subgraph, own.node)
