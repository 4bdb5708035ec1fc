from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.problems import Problem, problem


def external_unused(facts: Facts) -> Iterator[Problem]:
    """An external field has a use only in a field set, or where an interface asks for it."""
    for type_ in facts.subgraph.output_types():
        for field in type_.fields.values():
            if facts.is_external(field) and field.coordinate not in facts.used:
                message = f'"{field.coordinate}" is @external but no field set or interface uses it'
                yield problem("EXTERNAL_UNUSED", message, facts.subgraph.name, field.node)
