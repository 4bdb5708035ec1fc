"""The supergraph's @cost and @listSize, as data beside the schema.

Read as the cost specification defines them and Apollo's demand control takes them: an object costs
1, a leaf nothing, an input object 1, unless a weight says otherwise.
https://ibm.github.io/graphql-specs/cost-spec.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    ConstDirectiveNode,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InputValueDefinitionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    is_composite_type,
    value_from_ast_untyped,
)

from gateway.federation.directives import COST
from gateway.federation.link import FEDERATION, Links, read_links
from gateway.federation.supergraph import Supergraph

CEILING: Final = 10**15
"""Every sum and product stops here: it is beyond any maximum, and exact wherever JSON is read."""


@dataclass(frozen=True, slots=True)
class ListSize:
    assumed: int | None = None
    slicing: tuple[str, ...] = ()
    """The arguments that say how many rows there will be."""
    sized: frozenset[str] = frozenset()
    """The fields below that have so many rows; the field itself, where there are none."""
    requires_one: bool = True
    """Whether exactly one of the slicing arguments has to be given."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What the schema says of costs; `None` and absence mean that it says nothing."""

    schema: GraphQLSchema
    types: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Output fields and input fields, by type and name."""
    arguments: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    lists: Mapping[tuple[str, str], ListSize] = field(default_factory=dict)

    def of_field(self, type_name: str, field_name: str, named: GraphQLNamedType) -> int:
        """Of one value of the field; through an interface the dearest that may be behind it."""
        own = 1 if is_composite_type(named) else 0
        base = self.types.get(named.name, own)
        return max(
            self.fields.get((each, field_name), base) for each in self.homes(type_name, field_name)
        )

    def of_argument(self, type_name: str, field_name: str, argument: str) -> int | None:
        given = (
            self.arguments.get((each, field_name, argument))
            for each in self.homes(type_name, field_name)
        )
        return max((weight for weight in given if weight is not None), default=None)

    def of_input(self, named: GraphQLNamedType, own: int | None) -> int:
        """Of one value given for an argument or an input field, which may have a weight itself."""
        if own is not None:
            return own
        return self.types.get(named.name, 1 if isinstance(named, GraphQLInputObjectType) else 0)

    def list_sizes(self, type_name: str, field_name: str) -> tuple[ListSize, ...]:
        places = ((each, field_name) for each in self.homes(type_name, field_name))
        return tuple(self.lists[place] for place in places if place in self.lists)

    def homes(self, type_name: str, field_name: str) -> Iterator[str]:
        """The type, and where it is an interface those that implement it: what stands on them
        counts however the field is reached."""
        yield type_name
        type_ = self.schema.type_map[type_name]
        if isinstance(type_, GraphQLInterfaceType):
            known = self.schema.get_implementations(type_)
            implementing: tuple[GraphQLInterfaceType | GraphQLObjectType, ...] = (
                *known.interfaces,
                *known.objects,
            )
            for each in implementing:
                if field_name in each.fields:
                    yield each.name


def read_weights(supergraph: Supergraph) -> Weights:
    reader = _Reader(read_links(supergraph.document))
    for node in supergraph.document.definitions:
        if isinstance(node, TypeDefinitionNode | TypeExtensionNode):
            reader.read(node)
    return Weights(
        supergraph.api_schema, reader.types, reader.fields, reader.arguments, reader.lists
    )


class _Reader:
    """Knows what this supergraph calls the two directives."""

    def __init__(self, links: Links) -> None:
        self._cost = links.names_of("cost", COST, FEDERATION)
        self._list_size = links.names_of("listSize", COST, FEDERATION)
        self.types: dict[str, int] = {}
        self.fields: dict[tuple[str, str], int] = {}
        self.arguments: dict[tuple[str, str, str], int] = {}
        self.lists: dict[tuple[str, str], ListSize] = {}

    def read(self, node: TypeDefinitionNode | TypeExtensionNode) -> None:
        name = node.name.value
        if (weight := self._weight(node.directives)) is not None:
            self.types[name] = weight
        for each in getattr(node, "fields", None) or ():
            place = (name, each.name.value)
            if (weight := self._weight(each.directives)) is not None:
                self.fields[place] = weight
            if not isinstance(each, InputValueDefinitionNode):
                self._read_output(place, each.directives, each.arguments or ())

    def _read_output(
        self,
        place: tuple[str, str],
        directives: Iterable[ConstDirectiveNode] | None,
        arguments: Iterable[InputValueDefinitionNode],
    ) -> None:
        for applied in directives or ():
            if applied.name.value in self._list_size:
                self.lists[place] = _list_size(_values(applied))
        for argument in arguments:
            if (weight := self._weight(argument.directives)) is not None:
                self.arguments[*place, argument.name.value] = weight

    def _weight(self, directives: Iterable[ConstDirectiveNode] | None) -> int | None:
        for applied in directives or ():
            if applied.name.value in self._cost:
                return _number(_values(applied).get("weight"))
        return None


def _list_size(values: Mapping[str, Any]) -> ListSize:
    return ListSize(
        assumed=_number(values.get("assumedSize")),
        slicing=tuple(_texts(values.get("slicingArguments"))),
        sized=frozenset(_texts(values.get("sizedFields"))),
        requires_one=values.get("requireOneSlicingArgument") is not False,
    )


def _values(applied: ConstDirectiveNode) -> dict[str, Any]:
    return {
        argument.name.value: value_from_ast_untyped(argument.value)
        for argument in applied.arguments or ()
    }


def _number(value: Any) -> int | None:
    """Whole, and no less than nothing: a weight below zero would make room for other fields.

    The specification's weight is a string, federation's an Int.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return max(0, min(CEILING, math.ceil(number))) if math.isfinite(number) else None


def _texts(value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield each
