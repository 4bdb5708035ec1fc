"""Coercing the client's variables by the API schema, before anything is fetched.

https://spec.graphql.org/October2021/#sec-Coercing-Variable-Values

The result is JSON for the subgraphs: enum values by name, custom scalars as they came, numbers with
all their digits. Defaults inside input objects are left to the subgraph that defines them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    is_required_input_field,
    parse_type,
    parse_value,
    type_from_ast,
)
from graphql.language import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
)

from contract.errors import Code
from gateway.cache.lru import LruCache
from gateway.errors import Complaint, PublicText, RequestError
from gateway.execution.leaves import MAX_INT, MIN_INT
from gateway.operation.tree import VariableDefinition

MAX_COMPLAINTS: Final = 20
# Parsing them anew would take half of what a small request costs.
_parse_type: Final = lru_cache(maxsize=2_000)(parse_type)
_defaults: Final = LruCache[str, Any](2_000, weight=100_000)


def coerce_variables(
    definitions: Iterable[VariableDefinition], given: Mapping[str, Any], schema: GraphQLSchema
) -> dict[str, Any]:
    """The variables' values; one that is neither given nor has a default is left out.

    Raises RequestError (BAD_USER_INPUT) with a complaint for each variable that does not have its
    declared type, which names the variable and never a value.
    """
    coerced: dict[str, Any] = {}
    complaints: list[Complaint] = []
    for definition in definitions:
        try:
            coerced.update(_coerce_variable(definition, given, schema))
        except _MismatchError as mismatch:
            complaints.append(_complain(definition, mismatch))
    if complaints:
        raise RequestError(Code.BAD_USER_INPUT, *complaints[:MAX_COMPLAINTS])
    return coerced


class _MismatchError(Exception):
    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place = place
        """Inside the variable: `.address.lines[2]`; made of the schema's names and of indexes."""
        self.reason = reason


def _complain(definition: VariableDefinition, mismatch: _MismatchError) -> Complaint:
    where = f" at ${definition.name}{mismatch.place}" if mismatch.place else ""
    return Complaint(
        PublicText(
            f"Variable ${definition.name} of type {definition.type} cannot be used"
            f"{where}: {mismatch.reason}."
        )
    )


def _coerce_variable(
    definition: VariableDefinition, given: Mapping[str, Any], schema: GraphQLSchema
) -> dict[str, Any]:
    declared = type_from_ast(schema, _parse_type(definition.type))
    assert declared is not None, "validation admits variables of known input types only"
    if definition.name in given:
        return {definition.name: _coerce(given[definition.name], declared, "")}
    if definition.default is not None:
        return {definition.name: _coerce(_default(definition.default), declared, "")}
    if isinstance(declared, GraphQLNonNull):
        raise _MismatchError("", "it is required")
    return {}


def _coerce(value: Any, declared: Any, place: str) -> Any:
    if isinstance(declared, GraphQLNonNull):
        if value is None:
            raise _MismatchError(place, "null is not allowed")
        declared = declared.of_type
    if value is None:
        return None
    if isinstance(declared, GraphQLList):
        items = value if isinstance(value, list) else [value]
        return [
            _coerce(item, declared.of_type, f"{place}[{index}]" if items is value else place)
            for index, item in enumerate(items)
        ]
    if isinstance(declared, GraphQLInputObjectType):
        return _coerce_object(value, declared, place)
    if isinstance(declared, GraphQLEnumType):
        return _coerce_enum(value, declared, place)
    coerce_leaf = _LEAVES.get(declared.name)
    return coerce_leaf(value, place) if coerce_leaf else value


def _coerce_object(value: Any, declared: GraphQLInputObjectType, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _MismatchError(place, f"expected an object of type {declared.name}")
    if not value.keys() <= declared.fields.keys():
        # The unknown name is the client's text: it may be anything.
        raise _MismatchError(place, f"it has a field that {declared.name} does not have")
    if declared.is_one_of and (len(value) != 1 or None in value.values()):
        raise _MismatchError(place, f"exactly one field of {declared.name} must be given")
    coerced: dict[str, Any] = {}
    for name, field in declared.fields.items():
        if name in value:
            coerced[name] = _coerce(value[name], field.type, f"{place}.{name}")
        elif is_required_input_field(field):
            raise _MismatchError(f"{place}.{name}", "it is required")
    return coerced


def _coerce_enum(value: Any, declared: GraphQLEnumType, place: str) -> str:
    if isinstance(value, str) and value in declared.values:
        return value
    raise _MismatchError(place, f"it is not one of the values of {declared.name}")


def _int(value: Any, place: str) -> int:
    # JSON knows one kind of number: 1.0 is a whole one. Comparing first keeps 1e999999 harmless.
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        if not MIN_INT <= value <= MAX_INT:
            raise _MismatchError(place, "it is outside the range of Int")
        if value == int(value):
            return int(value)
    raise _MismatchError(place, "expected Int")


def _float(value: Any, place: str) -> int | float | Decimal:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return value
    raise _MismatchError(place, "expected Float")


def _string(value: Any, place: str) -> str:
    if isinstance(value, str):
        return value
    raise _MismatchError(place, "expected String")


def _boolean(value: Any, place: str) -> bool:
    if isinstance(value, bool):
        return value
    raise _MismatchError(place, "expected Boolean")


def _id(value: Any, place: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _MismatchError(place, "expected ID")


_LEAVES: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "Int": _int,
    "Float": _float,
    "String": _string,
    "Boolean": _boolean,
    "ID": _id,
}


def _default(text: str) -> Any:
    """Shared between requests: coercing copies what it may change."""
    found = _defaults.get(text)
    if found is None:
        found = _constant(parse_value(text))
        _defaults.put(text, found, weight=len(text))
    return found


def _constant(node: ValueNode) -> Any:
    """A default value as the JSON a client would have sent."""
    match node:
        case IntValueNode(value=text):
            return int(text)
        case FloatValueNode(value=text):
            return Decimal(text)
        case (
            StringValueNode(value=value)
            | BooleanValueNode(value=value)
            | EnumValueNode(value=value)
        ):
            return value
        case ListValueNode(values=values):
            return [_constant(item) for item in values]
        case ObjectValueNode(fields=fields):
            return {field.name.value: _constant(field.value) for field in fields}
        case NullValueNode():
            return None
    raise AssertionError(f"a default holds no {node.kind}")
