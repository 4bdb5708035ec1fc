from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Kind


def external_on_interface(facts: Facts) -> Iterator[Problem]:
    """Interfaces resolve nothing, so there is nothing another subgraph could resolve instead."""
    for type_ in facts.subgraph.output_types():
        for field in type_.fields.values():
            if type_.kind is Kind.INTERFACE and facts.is_external(field):
                message = f'Interface field "{field.coordinate}" cannot be @external'
                name = facts.subgraph.name
                yield problem("EXTERNAL_ON_INTERFACE", message, name, field.node)
