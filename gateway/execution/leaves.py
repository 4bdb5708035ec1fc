"""Completing leaf values: the built-in scalars, enums, and everything else as it came.

https://spec.graphql.org/October2021/#sec-Scalars.Result-Coercion
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLNamedType

from gateway.execution.shapes import MISFIT, Check, LeafShape

MIN_INT: Final = -(2**31)
MAX_INT: Final = 2**31 - 1
EXACT_TYPES: Final[Mapping[str, type]] = {
    "String": str,
    "ID": str,
    "Boolean": bool,
    "Float": Decimal,
}
"""Python types all of whose values are values of the scalar."""


def leaf_shape(type_: GraphQLNamedType) -> LeafShape:
    if isinstance(type_, GraphQLEnumType):
        values = frozenset(type_.values)
        return LeafShape(type_.name, _one_of(values), values)
    return LeafShape(type_.name, _CHECKS.get(type_.name, pass_through))


def pass_through(value: Any) -> Any:
    """A custom scalar may be any JSON; it leaves exactly as it came."""
    return value


def _one_of(values: frozenset[str]) -> Check:
    # A value the API schema does not have may be one that is hidden from clients.
    return lambda value: value if type(value) is str and value in values else MISFIT


def _int(value: Any) -> Any:
    # The range is asked first, so that 1e999999 is never written out.
    if type(value) not in (int, Decimal) or not MIN_INT <= value <= MAX_INT:
        return MISFIT
    whole = int(value)
    return whole if whole == value else MISFIT


def _float(value: Any) -> Any:
    return value if type(value) in (int, Decimal) else MISFIT


def _string(value: Any) -> Any:
    return value if type(value) is str else MISFIT


def _boolean(value: Any) -> Any:
    return value if type(value) is bool else MISFIT


def _id(value: Any) -> Any:
    if type(value) is int:
        return str(value)
    return value if type(value) is str else MISFIT


_CHECKS: Final[Mapping[str, Check]] = {
    "Int": _int,
    "Float": _float,
    "String": _string,
    "Boolean": _boolean,
    "ID": _id,
}
