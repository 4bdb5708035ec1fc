from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.facts import Facts
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import COMPOSITE, Applied, Field, Subgraph
from gateway.composition.types import Named, base_name, is_list, nullable
from gateway.composition.values import Number, Value


def list_size(facts: Facts) -> Iterator[Problem]:
    """The LIST_SIZE_ family. https://ibm.github.io/graphql-specs/cost-spec.html#sec-The-List-Size

    LIST_SIZE_APPLIED_TO_NON_LIST, LIST_SIZE_INVALID_ASSUMED_SIZE,
    LIST_SIZE_INVALID_SLICING_ARGUMENT and LIST_SIZE_INVALID_SIZED_FIELD.
    """
    for field, directive in facts.applications("listSize"):
        for code, message in _flaws(facts.subgraph, field, directive):
            yield problem(f"LIST_SIZE_{code}", message, facts.subgraph.name, directive.node)


def _flaws(subgraph: Subgraph, field: Field, directive: Applied) -> Iterator[tuple[str, str]]:
    sized_fields = _texts(directive.arguments.get("sizedFields"))
    if not sized_fields and not is_list(field.type):
        yield "APPLIED_TO_NON_LIST", f'"{field.coordinate}" is not a list'
    assumed = directive.arguments.get("assumedSize")
    if isinstance(assumed, Number) and float(assumed.text) < 0:
        yield "INVALID_ASSUMED_SIZE", f'Assumed size of "{field.coordinate}" is negative'
    for name in _texts(directive.arguments.get("slicingArguments")):
        argument = field.arguments.get(name)
        if argument is None:
            message = f'"{name}" is not an argument of "{field.coordinate}"'
            yield "INVALID_SLICING_ARGUMENT", message
        elif nullable(argument.type) != Named("Int"):
            message = f'Slicing argument "{argument.coordinate}" must be Int or Int!'
            yield "INVALID_SLICING_ARGUMENT", message
    yield from _sized_field_flaws(subgraph, field, sized_fields)


def _sized_field_flaws(
    subgraph: Subgraph, field: Field, sized_fields: list[str]
) -> Iterator[tuple[str, str]]:
    type_name = base_name(field.type)
    if sized_fields and subgraph.kind(type_name) not in COMPOSITE:
        message = f'"{field.coordinate}" of type "{field.type}" has no fields to size'
        yield "INVALID_SIZED_FIELD", message
        return
    for name in sized_fields:
        sized = subgraph.field(type_name, name)
        if sized is None:
            yield "INVALID_SIZED_FIELD", f'"{name}" is not a field of "{type_name}"'
        elif not is_list(sized.type):
            yield "APPLIED_TO_NON_LIST", f'Sized field "{sized.coordinate}" is not a list'


def _texts(value: Value) -> list[str]:
    items = value if isinstance(value, tuple) else (value,)
    return [item for item in items if isinstance(item, str)]
