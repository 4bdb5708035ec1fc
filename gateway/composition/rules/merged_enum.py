from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.leaves import is_hidden, value_sources
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, names, problem
from gateway.composition.schema import Kind


def merged_enum(supergraph: Supergraph) -> Iterator[Problem]:
    """ENUM_VALUE_MISMATCH and EMPTY_MERGED_ENUM_TYPE.

    A value may go where it is not understood only if the enum is never an input.
    """
    for type_ in supergraph.types.values():
        if type_.kind is not Kind.ENUM:
            continue
        sources = supergraph.subgraphs.sources(type_.name)
        usage = supergraph.usages[type_.name]
        if usage.input and usage.output:
            for name, found in value_sources(sources).items():
                if all(found.values()) or is_hidden(found):
                    continue
                missing = [subgraph for subgraph, value in found.items() if value is None]
                message = (
                    f'"{type_.name}" goes in (at "{usage.input}") and out (at "{usage.output}"),'
                    f' but {names(missing)} do not know its value "{name}"'
                )
                yield problem("ENUM_VALUE_MISMATCH", message, missing[0], sources[missing[0]].node)
        if not type_.values:
            message = f'No value of "{type_.name}" is known to all subgraphs that define it'
            first = next(iter(sources))
            yield problem("EMPTY_MERGED_ENUM_TYPE", message, first, sources[first].node)
