"""The normalized operation: our own frozen tree, in the client's order.

Fragments are inlined, constant conditions are decided, and only what depends on variables is left
as a `Condition`. A `@defer` is left as a mark where its reader can be answered in parts. https://spec.graphql.org/October2021/#sec-Executing-Selection-Sets
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})
"""Of the query's root; `__typename`, which every composite type has, is none of them."""


class OperationKind(StrEnum):
    QUERY = "query"
    MUTATION = "mutation"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class Condition:
    """`@include(if: $variable)`, or `@skip` where `include` is false."""

    variable: str
    include: bool


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    value: str
    """Canonical GraphQL text: `{first: 10, after: $cursor}`."""
    variables: tuple[str, ...] = ()
    """The variables the text mentions, sorted."""


@dataclass(frozen=True, slots=True)
class Field:
    parent_type: str
    """The API schema's composite type the field is selected on."""
    name: str
    alias: str | None = None
    arguments: tuple[Argument, ...] = ()
    conditions: tuple[Condition, ...] = ()
    """All of them must hold."""
    selections: SelectionSet = ()

    @property
    def response_key(self) -> str:
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class Defer:
    """`@defer` on a fragment: what it selects may be delivered later than what is around it."""

    number: int
    """Its place among those of the operation, from 1: an outer one before those inside it."""
    label: str | None = None
    variable: str | None = None
    """It holds only where this variable is true."""


@dataclass(frozen=True, slots=True)
class InlineFragment:
    type_condition: str
    conditions: tuple[Condition, ...] = ()
    selections: SelectionSet = ()
    defer: Defer | None = None


Selection: TypeAlias = Field | InlineFragment
SelectionSet: TypeAlias = tuple[Selection, ...]


@dataclass(frozen=True, slots=True)
class VariableDefinition:
    name: str
    type: str
    """As written: `[ID!]!`."""
    default: str | None = None
    """Canonical GraphQL text."""


@dataclass(frozen=True, slots=True)
class Operation:
    kind: OperationKind
    name: str | None
    variables: tuple[VariableDefinition, ...]
    root_type: str
    selections: SelectionSet
    _hash: int | None = field(default=None, init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        """Worked out once: caches ask for it several times a request, and it walks the tree."""
        if self._hash is None:
            parts = (self.kind, self.name, self.variables, self.root_type, self.selections)
            object.__setattr__(self, "_hash", hash(parts))
        assert self._hash is not None, "just set"
        return self._hash
