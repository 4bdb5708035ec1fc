from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Field, Kind, TypeDefinition, applied, has


def invalid_shareable_usage(facts: Facts) -> Iterator[Problem]:
    """@shareable is said once per declaration, and of fields that resolve."""
    for type_ in facts.subgraph.output_types():
        elements: list[TypeDefinition | Field] = [type_, *type_.fields.values()]
        for element in elements:
            if any(count > 1 for count in _parts(element).values()):
                message = f'@shareable is repeated on one declaration of "{element.coordinate}"'
                name = facts.subgraph.name
                yield problem("INVALID_SHAREABLE_USAGE", message, name, element.node)
        for field in type_.fields.values():
            if type_.kind is Kind.INTERFACE and has(field, "shareable"):
                message = f'"{field.coordinate}" is a field of an interface: it is not resolved'
                name = facts.subgraph.name
                yield problem("INVALID_SHAREABLE_USAGE", message, name, field.node)


def _parts(element: TypeDefinition | Field) -> Counter[int]:
    return Counter(directive.part for directive in applied(element, "shareable"))
