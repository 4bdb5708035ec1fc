"""What the documents of a plan ask of each object: response keys, by the object's type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
    parse,
)

from gateway.execution.compiled.errors import NotCompilableError

SelectionSets: TypeAlias = tuple[SelectionSetNode, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One response key."""

    name: str
    """The field's."""
    below: SelectionSets = ()

    def and_also(self, other: Asked) -> Asked:
        return Asked(self.name, self.below + other.below)


@dataclass(frozen=True)
class Reader:
    """Reads documents whose conditions are decided."""

    schema: GraphQLSchema
    """With the elements that clients do not see."""
    booleans: Mapping[str, bool]

    def read(self, document: str) -> SelectionSets:
        """Of the one operation of a document without named fragments, as plans have them."""
        [operation] = parse(document, no_location=True).definitions
        assert isinstance(operation, OperationDefinitionNode), "plans write nothing else"
        return (operation.selection_set,)

    def collect(self, sets: SelectionSets, type_name: str) -> dict[str, Asked]:
        """https://spec.graphql.org/October2021/#CollectFields()"""
        collected: dict[str, Asked] = {}
        self._collect(sets, type_name, collected)
        return collected

    def _collect(self, sets: SelectionSets, type_name: str, into: dict[str, Asked]) -> None:
        for selection in (each for one in sets for each in one.selections):
            if not self._holds(selection.directives or ()):
                continue
            if isinstance(selection, FieldNode):
                key = (selection.alias or selection.name).value
                below = (selection.selection_set,) if selection.selection_set else ()
                asked = Asked(selection.name.value, below)
                into[key] = into[key].and_also(asked) if key in into else asked
            else:
                assert isinstance(selection, InlineFragmentNode), "see `read`"
                condition = selection.type_condition
                if condition is None or self._applies(condition.name.value, type_name):
                    self._collect((selection.selection_set,), type_name, into)

    def _holds(self, directives: Sequence[DirectiveNode]) -> bool:
        for directive in directives:
            if directive.name.value in ("include", "skip"):
                [argument] = directive.arguments or ()
                if isinstance(argument.value, VariableNode):
                    value = self.booleans[argument.value.name.value]
                else:
                    assert isinstance(argument.value, BooleanValueNode), "it is valid"
                    value = argument.value.value
                if value == (directive.name.value == "skip"):
                    return False
        return True

    def _applies(self, condition: str, type_name: str) -> bool:
        there, here = self._possible(condition), self._possible(type_name)
        if here <= there:
            return True
        if here & there:
            raise NotCompilableError("what is asked depends on a type that is not told")
        return False

    def _possible(self, name: str) -> frozenset[str]:
        if name not in self._known:
            type_ = self.schema.type_map.get(name)
            if is_abstract_type(type_):
                found = frozenset(each.name for each in self.schema.get_possible_types(type_))
            else:
                found = frozenset({name})
            self._known[name] = found
        return self._known[name]

    @cached_property
    def _known(self) -> dict[str, frozenset[str]]:
        return {}
