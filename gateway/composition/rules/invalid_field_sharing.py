from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.composition.merge.overrides import NOT_OVERRIDDEN, override_states
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, names, problem
from gateway.composition.schema import Field, Kind, has
from gateway.composition.subgraphs import Subgraphs


def invalid_field_sharing(supergraph: Supergraph) -> Iterator[Problem]:
    """Several subgraphs resolve a field only if all of them say it is @shareable."""
    subgraphs = supergraph.subgraphs
    for type_ in supergraph.types.values():
        if type_.kind is not Kind.OBJECT:
            continue
        sources = subgraphs.field_sources(type_.name)
        for name in type_.fields:
            # A field only interface objects provide has no sources of its own.
            own = sources.get(name) or {member.name: None for member in subgraphs.members}
            yield from _sharing(subgraphs, type_.name, name, own)
            if type_.name == "Subscription":
                yield from _shared_subscription(own)


def _sharing(
    subgraphs: Subgraphs, type_name: str, field_name: str, sources: Mapping[str, Field | None]
) -> Iterator[Problem]:
    resolving = list(_resolving(subgraphs, type_name, field_name, sources))
    unwilling = [
        (subgraph, field)
        for subgraph, field in resolving
        if field.coordinate not in subgraphs.by_name[subgraph].facts.shareable
    ]
    if unwilling and len(resolving) > 1:
        subgraph, field = unwilling[-1]
        message = (
            f'Non-shareable field "{type_name}.{field_name}" is resolved in'
            f" {names([subgraph for subgraph, _ in resolving])} and not shareable in"
            f" {names([subgraph for subgraph, _ in unwilling])}"
        )
        yield problem("INVALID_FIELD_SHARING", message, subgraph, field.node)


def _resolving(
    subgraphs: Subgraphs, type_name: str, field_name: str, sources: Mapping[str, Field | None]
) -> Iterator[tuple[str, Field]]:
    states = override_states(subgraphs, type_name, field_name, sources)
    for subgraph, field in sources.items():
        member = subgraphs.by_name[subgraph]
        if field is None:
            found = subgraphs.abstracted(member, type_name, field_name)
        else:
            is_overridden = states.get(subgraph, NOT_OVERRIDDEN).is_overridden
            found = [] if is_overridden else [field]
        for one in found:
            if not member.facts.is_fully_external(one):
                yield subgraph, one


def _shared_subscription(sources: Mapping[str, Field | None]) -> Iterator[Problem]:
    for subgraph, field in sources.items():
        if field is not None and has(field, "shareable"):
            message = f'"{field.coordinate}" is a subscription, which cannot be shared'
            yield problem("INVALID_FIELD_SHARING", message, subgraph, field.node)
