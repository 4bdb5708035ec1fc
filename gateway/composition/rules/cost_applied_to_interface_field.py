from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Kind


def cost_applied_to_interface_field(facts: Facts) -> Iterator[Problem]:
    """https://ibm.github.io/graphql-specs/cost-spec.html#sec-No-Cost-on-Interface-Fields"""
    for field, cost in facts.applications("cost"):
        if facts.subgraph.kind(field.parent) is Kind.INTERFACE:
            message = f'@cost cannot stand on interface field "{field.coordinate}"'
            name = facts.subgraph.name
            yield problem("COST_APPLIED_TO_INTERFACE_FIELD", message, name, cost.node)
