from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.merge.composable import ACCESS_DIRECTIVES
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Field, Kind, TypeDefinition, applied


def auth_requirements_applied_on_interface(facts: Facts) -> Iterator[Problem]:
    """Requirements are said of objects; interfaces inherit them from their implementations."""
    for type_ in facts.subgraph.output_types():
        elements: list[TypeDefinition | Field] = []
        if type_.kind is Kind.INTERFACE:
            elements = [type_, *type_.fields.values()]
        elif facts.is_interface_object(type_):
            elements = [type_]
        for element in elements:
            for means in ACCESS_DIRECTIVES:
                for directive in applied(element, means):
                    message = f'@{directive.name} cannot stand on "{element.coordinate}"'
                    code = "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE"
                    yield problem(code, message, facts.subgraph.name, directive.node)
