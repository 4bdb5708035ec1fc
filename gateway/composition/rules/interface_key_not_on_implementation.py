from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.facts import Facts, selections_of
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Applied, Kind, TypeDefinition, applied
from gateway.federation.field_set import FieldSetShape, field_set_shape


def interface_key_not_on_implementation(facts: Facts) -> Iterator[Problem]:
    """Whoever resolves an interface by a key resolves each of its objects by it."""
    for type_ in facts.subgraph.output_types():
        if type_.kind is not Kind.INTERFACE:
            continue
        for key in applied(type_, "key"):
            lacking = [
                implementation.name
                for implementation in facts.subgraph.implementations(type_.name)
                if not _has_key(implementation, key)
            ]
            if lacking:
                message = (
                    f'The key of interface "{type_.name}" is missing, or not resolvable,'
                    f" on {', '.join(lacking)}"
                )
                code = "INTERFACE_KEY_NOT_ON_IMPLEMENTATION"
                yield problem(code, message, facts.subgraph.name, key.node)


def _has_key(type_: TypeDefinition, key: Applied) -> bool:
    return any(
        _shape(own) == _shape(key)
        and (own.arguments.get("resolvable", True) or not key.arguments.get("resolvable", True))
        for own in applied(type_, "key")
    )


def _shape(key: Applied) -> FieldSetShape | None:
    selections = selections_of(key.text("fields"))
    return field_set_shape(selections) if selections is not None else None
