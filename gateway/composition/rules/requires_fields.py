from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.field_sets import REQUIRES, check_field_set
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Kind


def requires_fields(facts: Facts) -> Iterator[Problem]:
    """The REQUIRES_ family.

    REQUIRES_INVALID_FIELDS_TYPE, REQUIRES_INVALID_FIELDS, REQUIRES_DIRECTIVE_IN_FIELDS_ARG,
    REQUIRES_FIELDS_MISSING_EXTERNAL and REQUIRES_UNSUPPORTED_ON_INTERFACE.
    """
    subgraph = facts.subgraph
    for field, requires in facts.applications("requires"):
        if subgraph.kind(field.parent) is Kind.INTERFACE:
            message = f'Cannot use @requires on "{field.coordinate}", a field of an interface'
            code = "REQUIRES_UNSUPPORTED_ON_INTERFACE"
            yield problem(code, message, subgraph.name, requires.node)
        for flaw in check_field_set(facts, field.parent, requires, REQUIRES):
            message = f'On field "{field.coordinate}", for its @requires: {flaw.message}'
            yield problem(f"REQUIRES_{flaw.code}", message, subgraph.name, requires.node)
