"""References to types: `[Patient!]!` as a value, and which reference is a subtype of which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from graphql import ListTypeNode, NamedTypeNode, NonNullTypeNode, TypeNode


@dataclass(frozen=True, slots=True)
class Named:
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListOf:
    of: TypeReference

    def __str__(self) -> str:
        return f"[{self.of}]"


@dataclass(frozen=True, slots=True)
class NonNull:
    of: Named | ListOf

    def __str__(self) -> str:
        return f"{self.of}!"


TypeReference: TypeAlias = Named | ListOf | NonNull

IsPossible: TypeAlias = Callable[[str, str], bool]


def read_type(node: TypeNode, renamed: dict[str, str]) -> TypeReference:
    if isinstance(node, NonNullTypeNode):
        inner = read_type(node.type, renamed)
        # The grammar has no `!!`.
        assert not isinstance(inner, NonNull)
        return NonNull(inner)
    if isinstance(node, ListTypeNode):
        return ListOf(read_type(node.type, renamed))
    assert isinstance(node, NamedTypeNode)
    return Named(renamed.get(node.name.value, node.name.value))


def base_name(type_: TypeReference) -> str:
    while not isinstance(type_, Named):
        type_ = type_.of
    return type_.name


def nullable(type_: TypeReference) -> Named | ListOf:
    return type_.of if isinstance(type_, NonNull) else type_


def is_list(type_: TypeReference) -> bool:
    return isinstance(nullable(type_), ListOf)


def is_strict_subtype(
    type_: TypeReference, candidate: TypeReference, is_possible: IsPossible
) -> bool:
    """Whether `candidate` may stand where `type_` is expected, and is not the same.

    `is_possible(abstract, name)` tells whether `name` is a member or implementation of `abstract`.
    """
    if isinstance(candidate, NonNull):
        if isinstance(type_, NonNull):
            return is_strict_subtype(type_.of, candidate.of, is_possible)
        return is_subtype(type_, candidate.of, is_possible)
    if isinstance(candidate, ListOf):
        return isinstance(type_, ListOf) and is_strict_subtype(type_.of, candidate.of, is_possible)
    return isinstance(type_, Named) and is_possible(type_.name, candidate.name)


def is_subtype(type_: TypeReference, candidate: TypeReference, is_possible: IsPossible) -> bool:
    return type_ == candidate or is_strict_subtype(type_, candidate, is_possible)
