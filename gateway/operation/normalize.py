"""From a validated document to one `Operation`.

Fields are merged by response key where they first appear, as CollectFields does. A fragment whose
type adds nothing dissolves into what surrounds it. What applies only sometimes stays as it is, and
nothing is merged across it, or the client's order of keys would change. A deferred fragment stays
too, and one that is not deferred for want of a reader of parts dissolves like any other.
https://spec.graphql.org/October2021/#CollectFields()

A named fragment is entered once in each selection set, and the tree's size is bounded: a short
document can spell out exponentially many fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    print_ast,
)

from gateway.operation.errors import OperationResolutionError, OperationTooLargeError
from gateway.operation.tree import (
    Argument,
    Condition,
    Defer,
    Field,
    InlineFragment,
    Operation,
    OperationKind,
    SelectionSet,
    VariableDefinition,
)
from gateway.operation.values import print_value, variables_in

MAX_SELECTIONS = 10_000
MAX_DEPTH = 100

Conditions: TypeAlias = tuple[Condition, ...]


def normalize(
    document: DocumentNode,
    operation_name: str | None,
    schema: GraphQLSchema,
    *,
    deferring: bool = False,
) -> Operation:
    """The document must be valid against the schema. Unless `deferring`, `@defer` says nothing.

    Raises `OperationResolutionError` and `OperationTooLargeError`.
    """
    definition = _choose_operation(document, operation_name)
    kind = OperationKind(definition.operation.value)
    root = schema.get_root_type(definition.operation)
    if root is None:
        raise OperationResolutionError(f"the schema has no {kind} operations")
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    scope = _Scope(root)
    # Each event of a subscription is answered whole, whatever its variables say.
    deferring = deferring and kind is not OperationKind.SUBSCRIPTION
    _Collector(schema, fragments, deferring).collect(definition.selection_set, scope, (), 0)
    return Operation(
        kind=kind,
        name=definition.name.value if definition.name else None,
        variables=tuple(
            VariableDefinition(
                name=variable.variable.name.value,
                type=print_ast(variable.type),
                default=print_value(variable.default_value) if variable.default_value else None,
            )
            for variable in definition.variable_definitions or ()
        ),
        root_type=root.name,
        selections=_freeze(scope),
    )


def _choose_operation(
    document: DocumentNode, operation_name: str | None
) -> OperationDefinitionNode:
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    if not operations:
        raise OperationResolutionError("the document holds no operation")
    if operation_name is None:
        if len(operations) > 1:
            raise OperationResolutionError(
                "the document holds several operations: name one in operationName"
            )
        return operations[0]
    for operation in operations:
        if operation.name and operation.name.value == operation_name:
            return operation
    raise OperationResolutionError("the document holds no operation of that name")


@dataclass(slots=True)
class _Scope:
    """A selection set while it grows."""

    type: GraphQLCompositeType
    conditions: Conditions = ()
    entries: list[_Entry | _Scope] = field(default_factory=list)
    around: _Scope | None = None
    """The selection set of the same object in which this one is a fragment."""
    defer: Defer | None = None
    latest: dict[str, _Entry] = field(default_factory=dict)
    """By response key, the entry that the next selection of the key may be merged into."""
    spread: set[tuple[str, Conditions]] = field(default_factory=set)


@dataclass(slots=True)
class _Entry:
    """A field while it grows."""

    parent_type: str
    node: FieldNode
    conditions: Conditions
    scope: _Scope | None


@dataclass(slots=True)
class _Collector:
    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]
    deferring: bool
    size: int = 0
    deferred: int = 0

    def collect(
        self, selection_set: SelectionSetNode, scope: _Scope, given: Conditions, depth: int
    ) -> None:
        """`given` is what is known to hold where the selection set applies at all."""
        if depth > MAX_DEPTH:
            raise OperationTooLargeError(f"the operation nests deeper than {MAX_DEPTH} levels")
        for node in selection_set.selections:
            conditions = _conditions(node.directives or (), given)
            if conditions is None:
                continue
            if isinstance(node, FieldNode):
                self._add_field(node, conditions, scope, given, depth)
            elif isinstance(node, InlineFragmentNode):
                name = node.type_condition.name.value if node.type_condition else scope.type.name
                defer = self._defer(node)
                self._enter(name, node.selection_set, conditions, defer, scope, given, depth)
            elif isinstance(node, FragmentSpreadNode):
                self._spread(node, conditions, scope, given, depth)

    def _spread(
        self,
        node: FragmentSpreadNode,
        conditions: Conditions,
        scope: _Scope,
        given: Conditions,
        depth: int,
    ) -> None:
        key = (node.name.value, conditions)
        if key in scope.spread:
            return
        defer = self._defer(node)
        if defer is None:
            scope.spread.add(key)
        fragment = self.fragments[node.name.value]
        name = fragment.type_condition.name.value
        self._enter(name, fragment.selection_set, conditions, defer, scope, given, depth)

    def _add_field(
        self, node: FieldNode, conditions: Conditions, scope: _Scope, given: Conditions, depth: int
    ) -> None:
        key = (node.alias or node.name).value
        entry = scope.latest.get(key)
        if entry is None or entry.conditions != conditions:
            self._count()
            entry = _Entry(scope.type.name, node, conditions, self._scope_of(node, scope))
            scope.latest[key] = entry
            scope.entries.append(entry)
            if entry.scope is not None:
                _shadow(scope, key)
        if node.selection_set and entry.scope:
            self.collect(node.selection_set, entry.scope, given + conditions, depth + 1)

    def _scope_of(self, node: FieldNode, scope: _Scope) -> _Scope | None:
        definition = self.schema.get_field(scope.type, node.name.value)
        if definition is None:
            raise AssertionError("the document was not validated")
        named = get_named_type(definition.type)
        return _Scope(named) if is_composite_type(named) else None

    def _enter(
        self,
        type_name: str,
        selection_set: SelectionSetNode,
        conditions: Conditions,
        defer: Defer | None,
        scope: _Scope,
        given: Conditions,
        depth: int,
    ) -> None:
        covers, applies = self._fit(type_name, scope.type)
        if not applies:
            return
        if covers and not conditions and defer is None:
            self.collect(selection_set, scope, given, depth + 1)
            return
        inner_type = scope.type if covers else self.schema.get_type(type_name)
        if not is_composite_type(inner_type):
            raise AssertionError("the document was not validated")
        last = scope.entries[-1] if scope.entries else None
        if (
            isinstance(last, _Scope)
            and last.type is inner_type
            and last.conditions == conditions
            and last.defer is defer is None
        ):
            inner = last
        else:
            self._count()
            inner = _Scope(inner_type, conditions, around=scope, defer=defer)
            scope.entries.append(inner)
        self.collect(selection_set, inner, given + conditions, depth + 1)

    def _defer(self, node: InlineFragmentNode | FragmentSpreadNode) -> Defer | None:
        """None where the fragment is not, or never, deferred."""
        if not self.deferring:
            return None
        for directive in node.directives or ():
            if directive.name.value == "defer":
                given = {each.name.value: each.value for each in directive.arguments or ()}
                holds, label = given.get("if"), given.get("label")
                if isinstance(holds, BooleanValueNode) and not holds.value:
                    return None
                self.deferred += 1
                return Defer(
                    self.deferred,
                    label.value if isinstance(label, StringValueNode) else None,
                    holds.name.value if isinstance(holds, VariableNode) else None,
                )
        return None

    def _fit(self, type_name: str, scope_type: GraphQLCompositeType) -> tuple[bool, bool]:
        """Whether the type holds all values of the scope's, and whether it holds any."""
        if type_name == scope_type.name:
            return True, True
        condition = self.schema.get_type(type_name)
        if is_abstract_type(condition) and self.schema.is_sub_type(condition, scope_type):
            # An abstract scope has fields of its own only if it is an interface itself, and its
            # fields need not be the condition's; an object has them all.
            return not is_abstract_type(scope_type), True
        return False, is_abstract_type(scope_type)

    def _count(self) -> None:
        self.size += 1
        if self.size > MAX_SELECTIONS:
            raise OperationTooLargeError(f"the operation selects more than {MAX_SELECTIONS} fields")


def _shadow(scope: _Scope, key: str) -> None:
    """Around the fragment, what comes later for the key must not move before it."""
    around = scope.around
    while around is not None:
        around.latest.pop(key, None)
        around = around.around


def _conditions(directives: Iterable[DirectiveNode], given: Conditions) -> Conditions | None:
    """What the variables must say beyond what is given; None where it can never hold."""
    conditions: list[Condition] = []
    for directive in directives:
        include = directive.name.value == "include"
        if not include and directive.name.value != "skip":
            continue
        value = directive.arguments[0].value if directive.arguments else None
        if isinstance(value, BooleanValueNode):
            if value.value != include:
                return None
        elif isinstance(value, VariableNode):
            condition = Condition(value.name.value, include)
            if Condition(condition.variable, not include) in (*given, *conditions):
                return None
            if condition not in given and condition not in conditions:
                conditions.append(condition)
    return tuple(sorted(conditions, key=lambda condition: (condition.variable, condition.include)))


def _freeze(scope: _Scope) -> SelectionSet:
    return tuple(
        InlineFragment(entry.type.name, entry.conditions, _freeze(entry), entry.defer)
        if isinstance(entry, _Scope)
        else Field(
            parent_type=entry.parent_type,
            name=entry.node.name.value,
            alias=entry.node.alias.value if entry.node.alias else None,
            arguments=_arguments(entry.node),
            conditions=entry.conditions,
            selections=_freeze(entry.scope) if entry.scope else (),
        )
        for entry in scope.entries
    )


def _arguments(node: FieldNode) -> tuple[Argument, ...]:
    arguments = (
        Argument(
            name=argument.name.value,
            value=print_value(argument.value),
            variables=tuple(sorted(set(variables_in(argument.value)))),
        )
        for argument in node.arguments or ()
    )
    return tuple(sorted(arguments, key=lambda argument: argument.name))
