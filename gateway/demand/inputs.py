"""The values that a client gives to arguments, written out or in variables, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    parse_value,
    value_from_ast_untyped,
)

from gateway.demand.weights import CEILING, Weights
from gateway.operation.tree import VariableDefinition

Variables = Mapping[str, Any]
"""As the request brings them: not yet coerced, so they may be anything."""


@dataclass(frozen=True, slots=True)
class Variable:
    """Stands in a value for what the request brings."""

    name: str
    default: Any = None

    def value(self, variables: Variables) -> Any:
        return variables.get(self.name, self.default)


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """An argument whose value costs something, or may."""

    argument: GraphQLArgument | GraphQLInputField
    weight: int | None
    """Its own, where the schema gives it one."""
    value: Any
    weights: Weights

    def cost(self, variables: Variables) -> int:
        try:
            return self._cost(self.value, self.argument, self.weight, variables)
        except RecursionError:
            return CEILING

    def _cost(
        self,
        value: Any,
        definition: GraphQLArgument | GraphQLInputField,
        weight: int | None,
        variables: Variables,
    ) -> int:
        if isinstance(value, Variable):
            value = value.value(variables)
        if value is None:
            return 0
        if isinstance(value, list):
            items = sum(self._cost(each, definition, weight, variables) for each in value)
            return min(CEILING, (weight or 0) + items)
        named = get_named_type(definition.type)
        total = self.weights.of_input(named, weight)
        if isinstance(named, GraphQLInputObjectType) and isinstance(value, dict):
            for name, part in value.items():
                if name in named.fields:
                    own = self.weights.fields.get((named.name, name))
                    total += self._cost(part, named.fields[name], own, variables)
        return min(CEILING, total)


def costs_something(definition: GraphQLArgument, weight: int | None, weights: Weights) -> bool:
    named = get_named_type(definition.type)
    return isinstance(named, GraphQLInputObjectType) or weights.of_input(named, weight) > 0


def read_value(text: str, defaults: Variables) -> Any:
    """An argument's canonical text as the JSON a client would send, with `Variable`s in it."""
    return _read(parse_value(text), defaults)


def read_defaults(definitions: Iterable[VariableDefinition]) -> dict[str, Any]:
    return {
        each.name: value_from_ast_untyped(parse_value(each.default))
        for each in definitions
        if each.default is not None
    }


def rows(value: Any) -> int | None:
    """How many rows a slicing argument asks for; None for what does not say.

    No number below one is believed, for nobody can tell what a subgraph makes of it.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not value >= 1:
        return None
    # Compared first, so that 1e999999 is never written out.
    return CEILING if value >= CEILING else int(value)


def _read(node: ValueNode, defaults: Variables) -> Any:
    match node:
        case VariableNode():
            return Variable(node.name.value, defaults.get(node.name.value))
        case ListValueNode():
            return [_read(each, defaults) for each in node.values]
        case ObjectValueNode():
            return {each.name.value: _read(each.value, defaults) for each in node.fields}
    return value_from_ast_untyped(node)
