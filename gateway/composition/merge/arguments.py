"""Merging the arguments of a field: those every subgraph has that has the field.

An argument that comes from a context anywhere is the router's business and leaves the supergraph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway.composition.merge.applied import merge_applied
from gateway.composition.merge.composable import Composable
from gateway.composition.merge.defaults import merge_defaults
from gateway.composition.merge.descriptions import merge_descriptions
from gateway.composition.merge.references import merge_references
from gateway.composition.schema import Argument, DirectiveDefinition, Field, has
from gateway.composition.subgraphs import Subgraphs


def argument_sources(
    sources: Mapping[str, Field] | Mapping[str, DirectiveDefinition],
) -> dict[str, dict[str, Argument | None]]:
    """Per argument, what each of the given fields has of it."""
    names = dict.fromkeys(name for source in sources.values() for name in source.arguments)
    return {
        name: {subgraph: source.arguments.get(name) for subgraph, source in sources.items()}
        for name in names
    }


def merge_arguments(
    subgraphs: Subgraphs,
    composable: Composable,
    sources: Mapping[str, Field] | Mapping[str, DirectiveDefinition],
) -> dict[str, Argument]:
    merged = {}
    for name, found in argument_sources(sources).items():
        present = {subgraph: argument for subgraph, argument in found.items() if argument}
        if len(present) == len(found) and not is_contextual(present.values()):
            merged[name] = _merge_argument(subgraphs, composable, present)
    return merged


def is_contextual(arguments: Iterable[Argument | None]) -> bool:
    return any(argument is not None and has(argument, "fromContext") for argument in arguments)


def _merge_argument(
    subgraphs: Subgraphs, composable: Composable, sources: Mapping[str, Argument]
) -> Argument:
    arguments: Sequence[Argument] = list(sources.values())
    types = [argument.type for argument in arguments]
    has_default, default = merge_defaults(arguments)
    return Argument(
        owner=arguments[0].owner,
        name=arguments[0].name,
        type=merge_references(types, subgraphs.is_possible, is_input=True).type,
        description=merge_descriptions(argument.description for argument in arguments),
        default=default,
        has_default=has_default,
        directives=merge_applied(composable, sources),
    )
