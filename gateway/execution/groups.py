"""What an answer in parts looks like: which fields of each object are delivered together.

A *group* is the set of deferred parts that a field is selected in: the empty one for what is not
deferred. Fields of one group at one place are delivered together, and once. The specification of
2022 knows no groups of several parts: there each part brings all it selects, whatever came before.
https://github.com/graphql/graphql-spec/pull/1110 (BuildExecutionPlan)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from graphql import GraphQLNamedType, GraphQLSchema

from gateway.execution.resolve import Denials, DependsOnTypeError, Resolver
from gateway.execution.shapes import Completion, FieldShape, ObjectShape, Trail
from gateway.operation.deferred import PRIMARY, deferrals
from gateway.operation.tree import Defer, Field, InlineFragment, Operation, SelectionSet

Group: TypeAlias = frozenset[int]
"""Numbers of deferred parts."""

NOT_DEFERRED: Final[Group] = frozenset()
_ANY_TYPE: Final = ""

Selected: TypeAlias = dict[str, list[tuple[Field, int]]]
"""By response key, the fields selected and the part that each is selected in."""
Grouped: TypeAlias = Mapping[Group, dict[str, list[Field]]]
Grouping: TypeAlias = Callable[[Selected], Grouped]


def resolve_groups(
    operation: Operation,
    schema: GraphQLSchema,
    denials: Denials,
    variables: Mapping[str, Any],
    grouping: Grouping,
) -> GroupShape:
    """The shape of what is not deferred, which leads to those of all that is."""
    resolver = _GroupResolver(schema, denials, variables, grouping, NOT_DEFERRED)
    return resolver.object_shape(schema.type_map[operation.root_type], operation.selections)


class GroupCompletion(Completion):
    """Notes as well where other groups begin."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[tuple[Trail, Group, GroupShape, dict[str, Any]]] = []

    @property
    def notes(self) -> int:
        return super().notes + len(self.begun)


class GroupShape(ObjectShape):
    """An object as far as it belongs to one group, and the groups that begin at it."""

    def __init__(
        self,
        type_name: str,
        types: Iterable[str],
        collect: Callable[[str], tuple[FieldShape, ...] | None],
        collect_others: Callable[[str], tuple[tuple[Group, GroupShape], ...]],
    ) -> None:
        super().__init__(type_name, types, collect)
        self._name = type_name
        self._collect_others = collect_others
        self._others: dict[str, tuple[tuple[Group, GroupShape], ...]] = {}

    def complete(self, value: Any, trail: Trail, completion: Completion) -> Any:
        completed = super().complete(value, trail, completion)
        if completed is not None:
            assert isinstance(completion, GroupCompletion), "all shapes of the answer are groups'"
            for group, shape in self._others_of(value):
                completion.begun.append((trail, group, shape, value))
        return completed

    def complete_group(self, value: dict[str, Any], trail: Trail, completion: Completion) -> Any:
        """At the place where the group begins; what else begins there is known already."""
        return super().complete(value, trail, completion)

    def _others_of(self, value: dict[str, Any]) -> tuple[tuple[Group, GroupShape], ...]:
        runtime_type = self._only or value.get("__typename") or self._name
        others = self._others.get(runtime_type)
        if others is None:
            others = self._others[runtime_type] = self._collect_others(runtime_type)
        return others


@dataclass(frozen=True, slots=True)
class GroupBySets:
    """Every field is delivered once, with the first of the parts it is selected in."""

    parents: Mapping[int, int]

    def __call__(self, selected: Selected) -> Grouped:
        grouped: dict[Group, dict[str, list[Field]]] = {}
        for key, fields in selected.items():
            group = self._group({part for _, part in fields})
            grouped.setdefault(group, {})[key] = [_tag(field, part) for field, part in fields]
        return grouped

    def _group(self, parts: set[int]) -> Group:
        if PRIMARY in parts:
            return NOT_DEFERRED
        return frozenset(part for part in parts if parts.isdisjoint(self._above(part)))

    def _above(self, part: int) -> Iterator[int]:
        while (part := self.parents[part]) != PRIMARY:
            yield part


def group_by_part(selected: Selected) -> Grouped:
    """Every part brings all that is selected in it."""
    grouped: dict[Group, dict[str, list[Field]]] = {}
    for key, fields in selected.items():
        for field, part in fields:
            group = NOT_DEFERRED if part == PRIMARY else frozenset({part})
            grouped.setdefault(group, {}).setdefault(key, []).append(_tag(field, part))
    return grouped


def _tag(field: Field, part: int) -> Field:
    """Whatever is selected below is selected in the part as well."""
    if part == PRIMARY or not field.selections:
        return field
    below = InlineFragment(_ANY_TYPE, (), field.selections, Defer(part))
    return replace(field, selections=(below,))


class _GroupResolver(Resolver):
    def __init__(
        self,
        schema: GraphQLSchema,
        denials: Denials,
        variables: Mapping[str, Any],
        grouping: Grouping,
        group: Group,
    ) -> None:
        super().__init__(schema, denials, variables)
        self._grouping = grouping
        self._group = group

    def object_shape(self, type_: GraphQLNamedType, selections: SelectionSet) -> GroupShape:
        return GroupShape(
            type_.name,
            self.types_of(type_),
            lambda on_type: self._fields(on_type, selections),
            lambda on_type: tuple(self._others(on_type, type_, selections)),
        )

    def _fields(self, on_type: str, selections: SelectionSet) -> tuple[FieldShape, ...] | None:
        on_type = self._narrowest(on_type)
        try:
            selected, _ = self._select(on_type, selections)
        except DependsOnTypeError:
            return None
        own = self._grouping(selected).get(self._group, {})
        return tuple(self._field(on_type, fields) for fields in own.values())

    def _others(
        self, on_type: str, type_: GraphQLNamedType, selections: SelectionSet
    ) -> Iterator[tuple[Group, GroupShape]]:
        selected, unsure = self._select(self._narrowest(on_type), selections)
        for group in self._grouping(selected):
            if group != self._group:
                yield group, self._of(group, self._grouping).object_shape(type_, selections)
        for part in sorted(unsure):
            # It is not known yet which fields these are, nor with what other parts they go.
            group = frozenset({part})
            yield group, self._of(group, group_by_part).object_shape(type_, selections)

    def _of(self, group: Group, grouping: Grouping) -> _GroupResolver:
        return _GroupResolver(self._schema, self._denials, self._variables, grouping, group)

    def _select(self, on_type: str, selections: SelectionSet) -> tuple[Selected, set[int]]:
        """Also the parts of which some depends on what the object's type turns out to be."""
        selected: Selected = {}
        unsure: set[int] = set()
        self._gather(on_type, selections, PRIMARY, selected, unsure)
        return selected, unsure

    def _gather(
        self,
        on_type: str,
        selections: SelectionSet,
        part: int,
        selected: Selected,
        unsure: set[int],
    ) -> None:
        for selection in selections:
            if not self._holds(selection.conditions):
                continue
            if isinstance(selection, Field):
                if selection.name == "__typename" and not self._is_object(on_type):
                    raise DependsOnTypeError
                selected.setdefault(selection.response_key, []).append((selection, part))
            elif selection.defer is None:
                self._enter(on_type, selection, part, selected, unsure)
            else:
                self._enter_deferred(on_type, selection, selection.defer, selected, unsure)

    def _enter(
        self,
        on_type: str,
        fragment: InlineFragment,
        part: int,
        selected: Selected,
        unsure: set[int],
    ) -> None:
        condition = fragment.type_condition
        if condition == _ANY_TYPE or (
            self._selects(fragment.selections) and self._applies(condition, on_type)
        ):
            self._gather(on_type, fragment.selections, part, selected, unsure)

    def _enter_deferred(
        self,
        on_type: str,
        fragment: InlineFragment,
        defer: Defer,
        selected: Selected,
        unsure: set[int],
    ) -> None:
        inner: Selected = {}
        try:
            self._enter(on_type, fragment, defer.number, inner, unsure)
        except DependsOnTypeError:
            parts = {defer.number, *(each.number for each in deferrals(fragment.selections))}
            if not parts.isdisjoint(self._group):
                raise
            # Its own fetch will tell the type.
            unsure |= parts
            return
        for key, fields in inner.items():
            selected.setdefault(key, []).extend(fields)
