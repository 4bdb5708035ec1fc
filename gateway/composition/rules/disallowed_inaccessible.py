from __future__ import annotations

from collections.abc import Iterator

from graphql import specified_scalar_types

from gateway.composition.facts import Facts
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import has


def disallowed_inaccessible(facts: Facts) -> Iterator[Problem]:
    """What GraphQL brings along cannot be hidden, nor can arguments of directives."""
    subgraph = facts.subgraph
    for type_ in subgraph.types.values():
        if type_.name in specified_scalar_types and has(type_, "inaccessible"):
            message = f'Built-in type "{type_.name}" cannot be @inaccessible'
            yield problem("DISALLOWED_INACCESSIBLE", message, subgraph.name, type_.node)
    for definition in subgraph.definitions.values():
        for argument in definition.arguments.values():
            if has(argument, "inaccessible"):
                message = f'Argument "{argument.coordinate}" of a directive is @inaccessible'
                yield problem("DISALLOWED_INACCESSIBLE", message, subgraph.name, argument.node)
