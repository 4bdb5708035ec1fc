from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import has


def interface_object_without_key(facts: Facts) -> Iterator[Problem]:
    """INTERFACE_OBJECT_USAGE_ERROR: an interface object is found by its key, or not at all."""
    for type_ in facts.subgraph.output_types():
        if has(type_, "interfaceObject") and not has(type_, "key"):
            message = f'"{type_.name}" is an @interfaceObject but has no @key in this subgraph'
            name = facts.subgraph.name
            yield problem("INTERFACE_OBJECT_USAGE_ERROR", message, name, type_.node)
