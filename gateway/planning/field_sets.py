"""Field sets as our own selections, each field with the type it is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.federation.field_set import parse_field_set
from gateway.federation.supergraph import SupergraphType
from gateway.operation.tree import Argument, Field, InlineFragment, SelectionSet
from gateway.operation.values import print_value

TYPENAME = "__typename"
UNSETTLED = ""
"""The alias of a field that only the plan needs, until its response key is settled."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldSet:
    """The selections of a key or of `@requires`; one object for each type and text."""

    type_name: str
    text: str
    selections: SelectionSet


@dataclass(frozen=True, slots=True)
class FieldSetReader:
    types: Mapping[str, SupergraphType]
    possible: Callable[[str], frozenset[str]]
    """The object types that values of a type can have."""

    def read(self, type_name: str, text: str) -> FieldSet:
        """Raise `FieldSetError` for what is none, `KeyError` for what the types do not have."""
        selections = tuple(self._selections(parse_field_set(text), type_name))
        return FieldSet(type_name, text, selections)

    def fits(self, selections: SelectionSet, type_name: str) -> bool:
        """Whether all of them are plain fields of the type as well."""
        fields = self.types[type_name].fields
        return all(
            isinstance(each, Field)
            and each.name in fields
            and (not each.selections or self.fits(each.selections, fields[each.name].type_name))
            for each in selections
        )

    def _selections(
        self, node: SelectionSetNode, type_name: str
    ) -> Iterator[Field | InlineFragment]:
        for selection in node.selections:
            if isinstance(selection, FieldNode) and selection.name.value != TYPENAME:
                yield self._field(selection, type_name)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner_type = condition.name.value if condition else type_name
                inner = self._selections(selection.selection_set, inner_type)
                if self.possible(type_name) <= self.possible(inner_type):
                    yield from inner
                else:
                    yield InlineFragment(inner_type, (), tuple(inner))

    def _field(self, node: FieldNode, type_name: str) -> Field:
        field = self.types[type_name].fields[node.name.value]
        below = node.selection_set
        return Field(
            parent_type=type_name,
            name=field.name,
            alias=UNSETTLED,
            arguments=tuple(
                Argument(argument.name.value, print_value(argument.value))
                for argument in sorted(node.arguments or (), key=lambda each: each.name.value)
            ),
            selections=tuple(self._selections(below, field.type_name)) if below else (),
        )
