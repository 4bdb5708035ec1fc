from __future__ import annotations

from collections.abc import Iterator

from graphql import TypeDefinitionNode, TypeExtensionNode

from gateway.composition.problems import Problem, problem
from gateway.composition.read import ParsedSubgraph


def root_type_used(parsed: ParsedSubgraph) -> Iterator[Problem]:
    """ROOT_QUERY_USED, ROOT_MUTATION_USED, ROOT_SUBSCRIPTION_USED.

    Roots get their default names in the supergraph, so no other type may have one.
    """
    for own_name, default in parsed.root_names().items():
        for node in parsed.document.definitions:
            if not isinstance(node, TypeDefinitionNode | TypeExtensionNode):
                continue
            if node.name.value == default:
                message = (
                    f'There is a type "{default}", but "{own_name}" is the'
                    f" {default.lower()} root type"
                )
                yield problem(f"ROOT_{default.upper()}_USED", message, parsed.name, node)
                break
