from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.field_sets import PROVIDES, check_field_set
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import COMPOSITE, Kind
from gateway.composition.types import base_name


def provides_fields(facts: Facts) -> Iterator[Problem]:
    """The PROVIDES_ family, and EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE.

    PROVIDES_INVALID_FIELDS_TYPE, PROVIDES_INVALID_FIELDS, PROVIDES_DIRECTIVE_IN_FIELDS_ARG,
    PROVIDES_FIELDS_HAS_ARGS, PROVIDES_FIELDS_MISSING_EXTERNAL, PROVIDES_ON_NON_OBJECT_FIELD and
    PROVIDES_UNSUPPORTED_ON_INTERFACE.
    """
    subgraph = facts.subgraph
    for field, provides in facts.applications("provides"):
        type_name = base_name(field.type)
        if facts.is_external(field):
            code = "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE"
            message = f'Cannot have both @provides and @external on "{field.coordinate}"'
            yield problem(code, message, subgraph.name, provides.node)
            continue
        if subgraph.kind(type_name) not in COMPOSITE:
            message = f'"{field.coordinate}" of type "{field.type}" has no fields to provide'
            yield problem("PROVIDES_ON_NON_OBJECT_FIELD", message, subgraph.name, provides.node)
            continue
        if subgraph.kind(field.parent) is Kind.INTERFACE:
            message = f'Cannot use @provides on "{field.coordinate}", a field of an interface'
            code = "PROVIDES_UNSUPPORTED_ON_INTERFACE"
            yield problem(code, message, subgraph.name, provides.node)
        for flaw in check_field_set(facts, type_name, provides, PROVIDES):
            message = f'On field "{field.coordinate}", for its @provides: {flaw.message}'
            yield problem(f"PROVIDES_{flaw.code}", message, subgraph.name, provides.node)
