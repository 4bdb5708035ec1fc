from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, names, problem
from gateway.composition.schema import Field
from gateway.composition.subgraphs import Member, Subgraphs


def external_missing_on_base(supergraph: Supergraph) -> Iterator[Problem]:
    """A field external to everyone is resolved by no one."""
    for type_name, field_name, sources in supergraph.subgraphs.fields():
        if is_external_everywhere(supergraph.subgraphs, type_name, field_name, sources):
            found = _all_declarations(supergraph.subgraphs, type_name, field_name, sources)
            member, field = found[0]
            listed = names([member.name for member, _ in found])
            message = f'"{type_name}.{field_name}" is @external wherever it is: in {listed}'
            yield problem("EXTERNAL_MISSING_ON_BASE", message, member.name, field.node)


def is_external_everywhere(
    subgraphs: Subgraphs, type_name: str, field_name: str, sources: Mapping[str, Field | None]
) -> bool:
    return all(
        member.facts.is_external(field)
        for member, field in _all_declarations(subgraphs, type_name, field_name, sources)
    )


def _all_declarations(
    subgraphs: Subgraphs, type_name: str, field_name: str, sources: Mapping[str, Field | None]
) -> list[tuple[Member, Field]]:
    """Those of the type itself and those of interface objects that stand in for it."""
    found = []
    for subgraph, field in sources.items():
        member = subgraphs.by_name[subgraph]
        fields = [field] if field else subgraphs.abstracted(member, type_name, field_name)
        found += [(member, one) for one in fields]
    return found
