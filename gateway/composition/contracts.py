"""Contracts: one graph, and of its API what some of its clients are meant to see.

A contract hides by tags, with @inaccessible, so that any router serves it: the subgraphs answer as
before, and what is hidden can still be a key or be required. What is said here of tags is said by
https://www.apollographql.com/docs/graphos/platform/schema-management/delivery/contracts/create
and .../contracts/reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Hint
from gateway.composition.schema import (
    Applied,
    Argument,
    EnumValue,
    Field,
    Kind,
    TypeDefinition,
    applied,
    has,
)
from gateway.composition.types import base_name

_HIDING = "inaccessible"
_OUTPUT = frozenset({Kind.OBJECT, Kind.INTERFACE})

_E = TypeVar("_E", TypeDefinition, Field, Argument, EnumValue)


@dataclass(frozen=True, slots=True)
class Contract:
    """Without tags to include, everything is included that is not excluded.

    With some, a field of an object or interface and a union are included only if tagged with one
    of them (a field by its type, too). Arguments, input fields, enum values and scalars need no
    tag to be included. What is excluded stays so, whatever else it is tagged with.
    """

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    hide_unreachable_types: bool = False


def apply_contract(supergraph: Supergraph, contract: Contract) -> Supergraph:
    """Hide what the contract leaves out. Whether the rest is an API, the API's rules tell."""
    hidden = _HiddenBuilder(supergraph, contract).build()
    name = supergraph.composable.names.get(_HIDING, _HIDING)
    mark = Applied(name, _HIDING, {})
    composable = replace(
        supergraph.composable, names={**supergraph.composable.names, _HIDING: name}
    )
    types = {name: _marked_type(type_, hidden, mark) for name, type_ in supergraph.types.items()}
    return replace(supergraph, types=types, composable=composable)


def unused_tags(supergraph: Supergraph, contract: Contract) -> Iterator[Hint]:
    """CONTRACT_TAG_UNUSED: a tag mistyped hides nothing, or everything."""
    used = frozenset(
        tag for type_ in supergraph.types.values() for each in _parts(type_) for tag in _tags(each)
    )
    for tag in sorted((contract.include | contract.exclude) - used):
        message = f'The contract names the tag "{tag}", which nothing has'
        yield Hint("CONTRACT_TAG_UNUSED", message, "@tag")


class _HiddenBuilder:
    """Gathers the coordinates of what clients do not see, hidden by the subgraphs or from here."""

    def __init__(self, supergraph: Supergraph, contract: Contract) -> None:
        self._types = supergraph.types
        self._contract = contract
        self._roots = supergraph.roots
        self._definitions = (
            *supergraph.definitions,
            *supergraph.composable.custom.definitions.values(),
        )
        self._implementations: dict[str, list[TypeDefinition]] = {}
        for type_ in self._types.values():
            for interface in type_.interfaces:
                self._implementations.setdefault(interface, []).append(type_)
        self._hidden: set[str] = set()

    def build(self) -> frozenset[str]:
        for type_ in self._types.values():
            self._hidden |= {each.coordinate for each in _parts(type_) if has(each, _HIDING)}
            self._hidden |= set(self._hidden_by_tags(type_))
        known = -1
        while known != len(self._hidden):
            known = len(self._hidden)
            self._hidden |= set(self._partial_interface_fields())
            self._hidden |= set(self._empty_types())
        if self._contract.hide_unreachable_types:
            self._hidden |= set(self._unreachable_types())
        return frozenset(self._hidden)

    def _hidden_by_tags(self, type_: TypeDefinition) -> Iterator[str]:
        include, exclude = self._contract.include, self._contract.exclude
        for each in _parts(type_):
            tags = _tags(each)
            if isinstance(each, Field) and type_.kind in _OUTPUT:
                tags |= _tags(type_)
            needs_tag = (isinstance(each, Field) and type_.kind in _OUTPUT) or (
                each is type_ and type_.kind is Kind.UNION
            )
            if tags & exclude or (include and needs_tag and not tags & include):
                yield each.coordinate

    def _partial_interface_fields(self) -> Iterator[str]:
        """Fields of interfaces that a visible implementation does not show."""
        for interface, implementations in self._implementations.items():
            shown = [type_ for type_ in implementations if self._sees(type_)]
            for field in self._types[interface].fields.values():
                if not all(self._sees(type_.fields[field.name]) for type_ in shown):
                    yield field.coordinate

    def _empty_types(self) -> Iterator[str]:
        for type_ in self._types.values():
            parts: Iterable[TypeDefinition | Field | EnumValue]
            if type_.kind is Kind.UNION:
                parts = [self._types[member] for member in type_.members]
            else:
                parts = [*type_.fields.values(), *type_.values.values()]
            if type_.kind is not Kind.SCALAR and not any(map(self._sees, parts)):
                yield type_.name

    def _unreachable_types(self) -> Iterator[str]:
        pending = [root for root in self._roots if self._sees(self._types[root])]
        for definition in self._definitions:
            pending += (base_name(argument.type) for argument in definition.arguments.values())
        reached = set()
        while pending:
            type_ = self._types.get(pending.pop())
            if type_ is not None and type_.name not in reached and self._sees(type_):
                reached.add(type_.name)
                pending += self._beside(type_)
        for type_ in self._types.values():
            if type_.name not in reached and not _tags(type_) & self._contract.include:
                yield type_.name

    def _beside(self, type_: TypeDefinition) -> Iterator[str]:
        """The types that a value of the type is, can be, or leads to."""
        yield from type_.interfaces
        yield from type_.members
        yield from (each.name for each in self._implementations.get(type_.name, ()))
        for each in _parts(type_):
            if isinstance(each, Field | Argument) and self._sees(each):
                yield base_name(each.type)

    def _sees(self, element: TypeDefinition | Field | Argument | EnumValue) -> bool:
        return element.coordinate not in self._hidden


def _parts(type_: TypeDefinition) -> Iterator[TypeDefinition | Field | Argument | EnumValue]:
    """The type and everything in it."""
    yield type_
    yield from type_.values.values()
    for field in type_.fields.values():
        yield field
        yield from field.arguments.values()


def _tags(element: TypeDefinition | Field | Argument | EnumValue) -> frozenset[str]:
    return frozenset(directive.text("name") or "" for directive in applied(element, "tag"))


def _marked_type(type_: TypeDefinition, hidden: frozenset[str], mark: Applied) -> TypeDefinition:
    fields = {
        name: replace(field, arguments=_marked_all(field.arguments, hidden, mark))
        for name, field in type_.fields.items()
    }
    return _marked(
        replace(
            type_,
            fields=_marked_all(fields, hidden, mark),
            values=_marked_all(type_.values, hidden, mark),
        ),
        hidden,
        mark,
    )


def _marked_all(elements: Mapping[str, _E], hidden: frozenset[str], mark: Applied) -> dict[str, _E]:
    return {name: _marked(element, hidden, mark) for name, element in elements.items()}


def _marked(element: _E, hidden: frozenset[str], mark: Applied) -> _E:
    if element.coordinate not in hidden or has(element, _HIDING):
        return element
    return replace(element, directives=(*element.directives, mark))
