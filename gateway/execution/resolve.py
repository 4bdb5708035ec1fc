"""Resolve a requested operation against the API schema, into the shape of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
)

from gateway.execution.faults import Fault
from gateway.execution.leaves import leaf_shape, pass_through
from gateway.execution.shapes import FieldShape, LeafShape, ListShape, ObjectShape, Shape
from gateway.operation.tree import Condition, Field, Operation, SelectionSet

Denials = Mapping[tuple[str, str], Fault]
"""Fields the client may not have, by type and field name, and what to tell about each."""

# Answered by the gateway itself, complete as they are.
_INTROSPECTION = LeafShape("introspection", pass_through)


def resolve_shape(
    operation: Operation, schema: GraphQLSchema, denials: Denials, variables: Mapping[str, Any]
) -> ObjectShape:
    """Of the variables only those matter that a condition names."""
    return _Resolver(schema, denials, variables).object_shape(
        schema.type_map[operation.root_type], operation.selections
    )


class _Resolver:
    def __init__(
        self, schema: GraphQLSchema, denials: Denials, variables: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._denials = denials
        self._variables = variables

    def object_shape(self, type_: GraphQLNamedType, selections: SelectionSet) -> ObjectShape:
        return ObjectShape(
            type_.name,
            (possible.name for possible in self._possible_types(type_)),
            lambda runtime_type: self._fields(runtime_type, selections),
        )

    def _possible_types(self, type_: GraphQLNamedType) -> list[GraphQLObjectType]:
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return list(self._schema.get_possible_types(type_))
        assert isinstance(type_, GraphQLObjectType), "only composite types have selections"
        return [type_]

    def _fields(self, runtime_type: str, selections: SelectionSet) -> tuple[FieldShape, ...]:
        collected: dict[str, list[Field]] = {}
        self._collect(runtime_type, selections, collected)
        return tuple(self._field(runtime_type, fields) for fields in collected.values())

    def _collect(
        self, runtime_type: str, selections: SelectionSet, collected: dict[str, list[Field]]
    ) -> None:
        """https://spec.graphql.org/October2021/#CollectFields()"""
        for selection in selections:
            if not self._holds(selection.conditions):
                continue
            if isinstance(selection, Field):
                collected.setdefault(selection.response_key, []).append(selection)
            elif self._is_a(runtime_type, selection.type_condition):
                self._collect(runtime_type, selection.selections, collected)

    def _holds(self, conditions: tuple[Condition, ...]) -> bool:
        return all(bool(self._variables[c.variable]) == c.include for c in conditions)

    def _is_a(self, runtime_type: str, type_condition: str) -> bool:
        type_ = self._schema.type_map[type_condition]
        return any(possible.name == runtime_type for possible in self._possible_types(type_))

    def _field(self, runtime_type: str, fields: list[Field]) -> FieldShape:
        """One response key, of what may be several selections of it."""
        key, name = fields[0].response_key, fields[0].name
        coordinate = f"{runtime_type}.{name}"
        if name == "__typename":
            leaf = LeafShape("String", pass_through)
            return FieldShape(key, coordinate, leaf, non_null=True, constant=runtime_type)
        if name in ("__schema", "__type"):
            return FieldShape(key, coordinate, _INTROSPECTION, non_null=name == "__schema")
        type_ = self._schema.type_map[runtime_type]
        assert isinstance(type_, GraphQLObjectType), "data is of object types"
        declared = type_.fields[name].type
        below = tuple(selection for each in fields for selection in each.selections)
        denials = (self._denials.get((t, name)) for t in (runtime_type, fields[0].parent_type))
        return FieldShape(
            key,
            coordinate,
            self._shape(declared, below),
            non_null=isinstance(declared, GraphQLNonNull),
            denied=next((fault for fault in denials if fault), None),
        )

    def _shape(self, declared: Any, selections: SelectionSet) -> Shape:
        if isinstance(declared, GraphQLNonNull):
            return self._shape(declared.of_type, selections)
        if isinstance(declared, GraphQLList):
            item = self._shape(declared.of_type, selections)
            return ListShape(str(declared), item, isinstance(declared.of_type, GraphQLNonNull))
        if isinstance(declared, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            return self.object_shape(declared, selections)
        return leaf_shape(declared)
