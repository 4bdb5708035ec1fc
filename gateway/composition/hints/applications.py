from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.composition.merge.applied import conflicting
from gateway.composition.merge.arguments import argument_sources
from gateway.composition.merge.fields import resolving_sources
from gateway.composition.merge.leaves import value_sources
from gateway.composition.merge.strategies import STRATEGIES
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Hint
from gateway.composition.schema import Element, Kind


def applications(supergraph: Supergraph) -> Iterator[Hint]:
    """A directive that can be applied but once is applied differently in several subgraphs.

    MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS, INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS.
    """
    for coordinate, sources in _elements(supergraph):
        inherited = supergraph.inherited.get(coordinate, {})
        for key in conflicting(supergraph.composable, sources, inherited):
            name = supergraph.composable.name(key)
            is_merged = key in STRATEGIES
            code = f"{'MERGED' if is_merged else 'INCONSISTENT'}_NON_REPEATABLE_DIRECTIVE_ARGUMENTS"
            outcome = "their arguments are merged" if is_merged else "the most frequent is used"
            message = f'"{coordinate}" has @{name} with different arguments: {outcome}'
            yield Hint(code, message, coordinate)


def _elements(supergraph: Supergraph) -> Iterator[tuple[str, Mapping[str, Element | None]]]:
    subgraphs = supergraph.subgraphs
    for name, kind in subgraphs.kinds.items():
        sources = subgraphs.sources(name)
        yield name, sources
        for value, values in value_sources(sources).items():
            yield f"{name}.{value}", values
        for field, found in subgraphs.field_sources(name).items():
            if kind is Kind.INPUT:
                yield f"{name}.{field}", found
                continue
            fields = resolving_sources(subgraphs, found)
            yield f"{name}.{field}", fields
            for argument, arguments in argument_sources(fields).items():
                yield f"{name}.{field}({argument}:)", arguments
