from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Kind


def interface_field_no_implem(supergraph: Supergraph) -> Iterator[Problem]:
    """A field one subgraph adds to an interface, implementations in others must have as well."""
    for type_ in supergraph.types.values():
        for name in type_.interfaces:
            interface = supergraph.types[name]
            for field in interface.fields.values():
                if field.name in type_.fields or interface.kind is not Kind.INTERFACE:
                    continue
                first, source = next(iter(supergraph.subgraphs.sources(type_.name).items()))
                message = f'"{type_.name}" implements "{name}" but lacks "{field.coordinate}"'
                yield problem("INTERFACE_FIELD_NO_IMPLEM", message, first, source.node)
