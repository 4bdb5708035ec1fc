"""Constant values of SDL: default values and the arguments of directives, as Python values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from graphql import (
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
from graphql.language.print_string import print_string


@dataclass(frozen=True, slots=True)
class EnumName:
    """A bare name, which is not the string of the same letters."""

    name: str


@dataclass(frozen=True, slots=True)
class ObjectValue:
    """Fields in the order written; two are equal whatever their order."""

    fields: frozenset[tuple[str, Value]]
    order: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectValue) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(self.fields)


@dataclass(frozen=True, slots=True)
class Number:
    """A literal with its own spelling: 1 and 1.0 are different tokens but equal values."""

    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and float(self.text) == float(other.text)

    def __hash__(self) -> int:
        return hash(float(self.text))


Value: TypeAlias = bool | str | Number | EnumName | ObjectValue | tuple["Value", ...] | None


def read_value(node: ValueNode) -> Value:
    match node:
        case NullValueNode():
            return None
        case IntValueNode() | FloatValueNode():
            return Number(node.value)
        case StringValueNode() | BooleanValueNode():
            return node.value
        case EnumValueNode():
            return EnumName(node.value)
        case ListValueNode():
            return tuple(read_value(item) for item in node.values)
        case ObjectValueNode():
            fields = {item.name.value: read_value(item.value) for item in node.fields}
            return ObjectValue(frozenset(fields.items()), tuple(fields))
    # A constant holds no variables, and there are no other kinds.
    raise AssertionError(node.kind)


def print_value(value: Value) -> str:
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            return print_string(value)
        case Number():
            return value.text
        case EnumName():
            return value.name
        case ObjectValue():
            fields = dict(value.fields)
            return "{" + ", ".join(f"{n}: {print_value(fields[n])}" for n in value.order) + "}"
    return "[" + ", ".join(print_value(item) for item in value) + "]"


def print_arguments(arguments: Mapping[str, Value]) -> str:
    if not arguments:
        return ""
    return "(" + ", ".join(f"{n}: {print_value(v)}" for n, v in arguments.items()) + ")"
