from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.rules.external_missing_on_base import is_external_everywhere


def merged_directive_application_on_external(supergraph: Supergraph) -> Iterator[Problem]:
    """An external field is not merged, so what is said of it would be lost."""
    for type_name, field_name, sources in supergraph.subgraphs.fields():
        if is_external_everywhere(supergraph.subgraphs, type_name, field_name, sources):
            continue
        for subgraph, field in sources.items():
            facts = supergraph.subgraphs.by_name[subgraph].facts
            if field is None or not facts.is_external(field):
                continue
            for directive in field.directives:
                if supergraph.composable.key(subgraph, directive) is not None:
                    message = f'@{directive.name} on external field "{field.coordinate}"'
                    code = "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL"
                    yield problem(code, message, subgraph, directive.node)
