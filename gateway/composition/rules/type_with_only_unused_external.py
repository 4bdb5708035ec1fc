from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.problems import Problem, problem


def type_with_only_unused_external(facts: Facts) -> Iterator[Problem]:
    """The upgrade of a Federation 1 subgraph takes away unused externals, here all fields."""
    for type_ in facts.subgraph.output_types():
        if not type_.fields and type_.name != "Query":
            message = f'"{type_.name}" has only external fields, and no field set uses them'
            name = facts.subgraph.name
            yield problem("TYPE_WITH_ONLY_UNUSED_EXTERNAL", message, name, type_.node)
