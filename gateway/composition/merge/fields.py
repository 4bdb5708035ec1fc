"""Merging the fields of objects and interfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.composition.merge.applied import merge_applied
from gateway.composition.merge.arguments import merge_arguments
from gateway.composition.merge.composable import Composable
from gateway.composition.merge.descriptions import merge_descriptions
from gateway.composition.merge.join import join_fields
from gateway.composition.merge.overrides import override_states
from gateway.composition.merge.references import merge_references
from gateway.composition.schema import Applied, Field
from gateway.composition.subgraphs import Subgraphs


def resolving_sources(
    subgraphs: Subgraphs, sources: Mapping[str, Field | None]
) -> dict[str, Field]:
    """The sources that are not external, or all of them where an interface object resolves."""
    present = {name: field for name, field in sources.items() if field is not None}
    resolving = {
        name: field
        for name, field in present.items()
        if not subgraphs.by_name[name].facts.is_external(field)
    }
    return resolving or present


def merge_field(
    subgraphs: Subgraphs,
    composable: Composable,
    sources: Mapping[str, Field | None],
    inherited: Mapping[str, Sequence[Applied]],
) -> Field:
    first = next(field for field in sources.values() if field is not None)
    resolving = resolving_sources(subgraphs, sources)
    not_external = {
        name: field
        for name, field in resolving.items()
        if not subgraphs.by_name[name].facts.is_external(field)
    }
    reference = merge_references(
        [field.type for field in resolving.values()], subgraphs.is_possible, is_input=False
    )
    states = override_states(subgraphs, first.parent, first.name, sources)
    joins = join_fields(subgraphs, sources, states, equal=reference.equal)
    return Field(
        parent=first.parent,
        name=first.name,
        type=reference.type,
        description=merge_descriptions(field.description for field in not_external.values()),
        arguments=merge_arguments(subgraphs, composable, not_external),
        directives=(*joins, *merge_applied(composable, not_external, inherited)),
        node=first.node,
    )
