from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, names, problem


def external_missing_on_base(supergraph: Supergraph) -> Iterator[Problem]:
    """A field external to everyone is resolved by no one."""
    subgraphs = supergraph.subgraphs
    for type_name, field_name, sources in subgraphs.fields():
        found = []
        for subgraph, field in sources.items():
            member = subgraphs.by_name[subgraph]
            fields = [field] if field else subgraphs.abstracted(member, type_name, field_name)
            found += [(member, one) for one in fields]
        if all(member.facts.is_external(field) for member, field in found):
            member, field = found[0]
            listed = names([member.name for member, _ in found])
            message = f'"{type_name}.{field_name}" is @external wherever it is: in {listed}'
            yield problem("EXTERNAL_MISSING_ON_BASE", message, member.name, field.node)
