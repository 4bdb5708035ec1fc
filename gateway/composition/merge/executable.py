"""Directives for operations: those that every subgraph understands, in the places all allow."""

from __future__ import annotations

from graphql import DirectiveLocation

from gateway.composition.merge.arguments import merge_arguments
from gateway.composition.merge.composable import Composable
from gateway.composition.merge.descriptions import merge_descriptions
from gateway.composition.schema import DirectiveDefinition
from gateway.composition.subgraphs import Subgraphs

EXECUTABLE = frozenset(
    location.name
    for location in (
        DirectiveLocation.QUERY,
        DirectiveLocation.MUTATION,
        DirectiveLocation.SUBSCRIPTION,
        DirectiveLocation.FIELD,
        DirectiveLocation.FRAGMENT_DEFINITION,
        DirectiveLocation.FRAGMENT_SPREAD,
        DirectiveLocation.INLINE_FRAGMENT,
        DirectiveLocation.VARIABLE_DEFINITION,
    )
)

_BUILT_IN = frozenset({"skip", "include", "deprecated", "specifiedBy", "oneOf", "defer", "stream"})


def executable_sources(subgraphs: Subgraphs) -> dict[str, dict[str, DirectiveDefinition]]:
    """The directives some subgraph defines for operations, by those subgraphs that define them."""
    found: dict[str, dict[str, DirectiveDefinition]] = {}
    for member in subgraphs.members:
        for definition in member.subgraph.definitions.values():
            if definition.name not in _BUILT_IN:
                found.setdefault(definition.name, {})[member.name] = definition
    return {
        name: sources
        for name, sources in found.items()
        if any(EXECUTABLE.intersection(source.locations) for source in sources.values())
    }


def common_locations(sources: dict[str, DirectiveDefinition]) -> tuple[str, ...]:
    common = EXECUTABLE.intersection(*(source.locations for source in sources.values()))
    return tuple(sorted(common))


def merge_executable_directives(
    subgraphs: Subgraphs, composable: Composable
) -> tuple[DirectiveDefinition, ...]:
    merged = []
    for name, sources in sorted(executable_sources(subgraphs).items()):
        locations = common_locations(sources)
        everywhere = len(sources) == len(subgraphs.members)
        if not everywhere or not locations or name in composable.custom.definitions:
            continue
        merged.append(
            DirectiveDefinition(
                name=name,
                description=merge_descriptions(s.description for s in sources.values()),
                arguments=merge_arguments(subgraphs, composable, sources),
                repeatable=all(source.repeatable for source in sources.values()),
                locations=locations,
            )
        )
    return tuple(merged)
