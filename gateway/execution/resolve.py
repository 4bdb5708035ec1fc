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
    get_nullable_type,
)

from gateway.execution.faults import Fault
from gateway.execution.leaves import EXACT_TYPES, leaf_shape, pass_through
from gateway.execution.shapes import FieldShape, LeafShape, ListShape, ObjectShape, Shape
from gateway.operation.tree import Condition, Field, InlineFragment, Operation, SelectionSet

Denials = Mapping[tuple[str, str], Fault]
"""Fields the client may not have, by type and field name, and what to tell about each."""

# Put there by the gateway itself, and complete as it is.
_COMPLETE = LeafShape("String", pass_through)


def resolve_shape(
    operation: Operation, schema: GraphQLSchema, denials: Denials, variables: Mapping[str, Any]
) -> ObjectShape:
    """Of the variables only those matter that a condition names."""
    return Resolver(schema, denials, variables).object_shape(
        schema.type_map[operation.root_type], operation.selections
    )


class Resolver:
    def __init__(
        self, schema: GraphQLSchema, denials: Denials, variables: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._denials = denials
        self._variables = variables

    def object_shape(self, type_: GraphQLNamedType, selections: SelectionSet) -> ObjectShape:
        return ObjectShape(
            type_.name,
            self.types_of(type_),
            lambda on_type: self._fields(on_type, selections),
        )

    def types_of(self, type_: GraphQLNamedType) -> frozenset[str]:
        """All that the data may call a value of the type."""
        types = {type_.name, *self._names(type_.name)}
        if isinstance(type_, GraphQLInterfaceType):
            types.update(each.name for each in self._schema.get_implementations(type_).interfaces)
        return frozenset(types)

    def _possible_types(self, type_: GraphQLNamedType) -> list[GraphQLObjectType]:
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return list(self._schema.get_possible_types(type_))
        assert isinstance(type_, GraphQLObjectType), "only composite types have selections"
        return [type_]

    def _fields(self, on_type: str, selections: SelectionSet) -> tuple[FieldShape, ...] | None:
        """See `ObjectShape`: None where what is selected depends on which object type it is."""
        on_type = self._narrowest(on_type)
        collected: dict[str, list[Field]] = {}
        try:
            self._collect(on_type, selections, collected)
        except DependsOnTypeError:
            return None
        return tuple(self._field(on_type, fields) for fields in collected.values())

    def _narrowest(self, type_name: str) -> str:
        """The object type that values of an abstract one are of, if there is only one."""
        objects = self._names(type_name)
        return next(iter(objects)) if len(objects) == 1 else type_name

    def _collect(
        self, on_type: str, selections: SelectionSet, collected: dict[str, list[Field]]
    ) -> None:
        """https://spec.graphql.org/October2021/#CollectFields()"""
        for selection in selections:
            if not self._holds(selection.conditions):
                continue
            if isinstance(selection, InlineFragment):
                # Where nothing of it is left, nobody had to find out of which type the object is.
                if self._selects(selection.selections) and self._applies(
                    selection.type_condition, on_type
                ):
                    self._collect(on_type, selection.selections, collected)
            elif selection.name == "__typename" and not self._is_object(on_type):
                raise DependsOnTypeError
            else:
                collected.setdefault(selection.response_key, []).append(selection)

    def _selects(self, selections: SelectionSet) -> bool:
        """Whether any field is left, conditions applied."""
        return any(
            self._holds(each.conditions)
            and (isinstance(each, Field) or self._selects(each.selections))
            for each in selections
        )

    def _holds(self, conditions: tuple[Condition, ...]) -> bool:
        return all(bool(self._variables[c.variable]) == c.include for c in conditions)

    def _applies(self, type_condition: str, on_type: str) -> bool:
        there, here = self._names(type_condition), self._names(on_type)
        if here <= there:
            return True
        if here & there:
            raise DependsOnTypeError
        return False

    def _is_object(self, type_name: str) -> bool:
        return isinstance(self._schema.type_map[type_name], GraphQLObjectType)

    def _names(self, type_name: str) -> frozenset[str]:
        possible = self._possible_types(self._schema.type_map[type_name])
        return frozenset(type_.name for type_ in possible)

    def _field(self, on_type: str, fields: list[Field]) -> FieldShape:
        """One response key, of what may be several selections of it."""
        key, name = fields[0].response_key, fields[0].name
        coordinate = f"{on_type}.{name}"
        denied = self._denial(on_type, fields[0])
        if name == "__typename":
            # Where the type itself is denied, so is the fact that the object is of it.
            constant = None if denied else on_type
            return FieldShape(key, coordinate, _COMPLETE, True, constant, denied)
        if name in ("__schema", "__type"):
            return FieldShape(key, coordinate, _COMPLETE, non_null=name == "__schema")
        # An object's own type may be narrower than the one it was selected on.
        home = on_type if self._is_object(on_type) else fields[0].parent_type
        type_ = self._schema.type_map[home]
        assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType), "unions have no fields"
        declared = type_.fields[name].type
        return FieldShape(
            key,
            coordinate,
            self._shape(declared, tuple(below for each in fields for below in each.selections)),
            non_null=isinstance(declared, GraphQLNonNull),
            denied=denied,
            exact=EXACT_TYPES.get(str(get_nullable_type(declared))),
        )

    def _denial(self, on_type: str, selected: Field) -> Fault | None:
        """A denial for the type it was selected on, or for any type it may turn out to be."""
        types = (selected.parent_type, on_type, *sorted(self._names(on_type)))
        denials = (self._denials.get((type_, selected.name)) for type_ in types)
        return next((fault for fault in denials if fault), None)

    def _shape(self, declared: Any, selections: SelectionSet) -> Shape:
        if isinstance(declared, GraphQLNonNull):
            return self._shape(declared.of_type, selections)
        if isinstance(declared, GraphQLList):
            item = self._shape(declared.of_type, selections)
            return ListShape(str(declared), item, isinstance(declared.of_type, GraphQLNonNull))
        if isinstance(declared, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            return self.object_shape(declared, selections)
        return leaf_shape(declared)


class DependsOnTypeError(Exception):
    """What is selected differs between the types an object may be of."""
