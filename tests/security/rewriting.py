"""Other spellings of an operation: all that GraphQL lets a client write for the same fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_non_null_type,
    parse,
    print_ast,
)

ON, OFF = "rewritten_on", "rewritten_off"
"""Variables of the rewriting: the first is true by default, the second false."""


@dataclass
class Rewriter:
    schema: GraphQLSchema
    random: Random
    defers: bool = False
    fragments: list[FragmentDefinitionNode] = field(default_factory=list)
    named: int = 0
    flags: set[str] = field(default_factory=set)

    def rewrite(self, text: str) -> str:
        [operation] = parse(text, no_location=True).definitions
        assert isinstance(operation, OperationDefinitionNode)
        root = self.schema.get_root_type(operation.operation)
        self.defers = self.defers and operation.operation is not OperationType.SUBSCRIPTION
        if operation.operation is OperationType.QUERY:
            selections = self._selections(operation.selection_set, root)
        else:
            selections = self._whole_root(operation.selection_set, root)
        variables = [*(operation.variable_definitions or ())]
        variables += [_flag(name, value=name == ON) for name in sorted(self.flags)]
        rewritten = OperationDefinitionNode(
            operation=operation.operation,
            name=NameNode(value="Rewritten"),
            variable_definitions=tuple(variables),
            directives=(),
            selection_set=selections,
        )
        self.random.shuffle(self.fragments)
        return print_ast(DocumentNode(definitions=(rewritten, *self.fragments)))

    def _whole_root(self, selection_set: SelectionSetNode, root: Any) -> SelectionSetNode:
        """Events and changes are neither had twice, nor on a condition, nor deferred."""
        fields = [
            self._copy(node, root, alias=self.random.random() < 0.3, conditional=False)
            if isinstance(node, FieldNode)
            else node
            for node in selection_set.selections
        ]
        wrapped = _set(fields)
        for _ in range(self.random.randint(0, 2)):
            wrapped = _set([_inline(self.random.choice([None, root.name]), wrapped, ())])
        return wrapped

    def _selections(self, selection_set: SelectionSetNode, type_: Any) -> SelectionSetNode:
        rewritten: list[Any] = []
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                rewritten += self._field(node, type_)
            elif isinstance(node, InlineFragmentNode):
                inner = self.schema.type_map[node.type_condition.name.value]
                below = self._selections(node.selection_set, inner)
                rewritten.append(_inline(inner.name, below, node.directives))
        self.random.shuffle(rewritten)
        return _set(self._wrap(rewritten, type_))

    def _field(self, node: FieldNode, type_: Any) -> list[FieldNode]:
        copies = [self._copy(node, type_, alias=self.random.random() < 0.3)]
        if self.random.random() < 0.2:
            copies.append(self._copy(node, type_, alias=True))
        return copies

    def _copy(
        self, node: FieldNode, type_: Any, *, alias: bool, conditional: bool = True
    ) -> FieldNode:
        name = node.name.value
        below, arguments = node.selection_set, node.arguments
        if name != "__typename":
            definition = type_.fields[name]
            named = get_named_type(definition.type)
            if below and is_composite_type(named):
                below = self._selections(below, named)
            if alias:
                arguments = self._fewer(arguments, definition)
        key = NameNode(value=f"k{self._number()}_{name}") if alias else node.alias
        return FieldNode(
            name=node.name,
            alias=key,
            arguments=arguments,
            directives=node.directives or (self._condition() if conditional else ()),
            selection_set=below,
        )

    def _fewer(self, arguments: Any, definition: Any) -> tuple[ArgumentNode, ...]:
        """The same field with other arguments is the same field."""
        return tuple(
            each
            for each in arguments or ()
            if is_non_null_type(definition.args[each.name.value].type) or self.random.random() < 0.5
        )

    def _wrap(self, nodes: list[Any], type_: Any) -> list[Any]:
        if len(nodes) < 2 or self.random.random() < 0.5:
            return nodes
        cut = self.random.randint(0, len(nodes) - 1)
        inner = _set(self._wrap(nodes[cut:], type_))
        match self.random.randint(0, 2):
            case 0:
                return [*nodes[:cut], _inline(None, inner, self._of_fragment())]
            case 1:
                return [*nodes[:cut], _inline(type_.name, inner, self._of_fragment())]
        name = NameNode(value=f"F{self._number()}")
        self.fragments.append(
            FragmentDefinitionNode(
                name=name, type_condition=_type(type_.name), directives=(), selection_set=inner
            )
        )
        spread = FragmentSpreadNode(name=name, directives=self._of_fragment())
        # Spread twice it is still there once.
        return [*nodes[:cut], *([spread] * self.random.randint(1, 2))]

    def _of_fragment(self) -> tuple[DirectiveNode, ...]:
        return (*self._condition(), *self._defer())

    def _defer(self) -> tuple[DirectiveNode, ...]:
        """One that holds, or that a variable turns off."""
        if not self.defers or self.random.random() > 0.3:
            return ()
        arguments: tuple[ArgumentNode, ...] = ()
        if self.random.random() < 0.3:
            flag = self.random.choice([ON, OFF])
            self.flags.add(flag)
            value = VariableNode(name=NameNode(value=flag))
            arguments = (ArgumentNode(name=NameNode(value="if"), value=value),)
        return (DirectiveNode(name=NameNode(value="defer"), arguments=arguments),)

    def _condition(self) -> tuple[DirectiveNode, ...]:
        """One that holds: by a literal, or by a variable's default."""
        if self.random.random() > 0.15:
            return ()
        include = self.random.random() < 0.5
        if self.random.random() < 0.5:
            flag = ON if include else OFF
            self.flags.add(flag)
            value: Any = VariableNode(name=NameNode(value=flag))
        else:
            value = BooleanValueNode(value=include)
        condition = ArgumentNode(name=NameNode(value="if"), value=value)
        name = NameNode(value="include" if include else "skip")
        return (DirectiveNode(name=name, arguments=(condition,)),)

    def _number(self) -> int:
        self.named += 1
        return self.named


def _flag(name: str, *, value: bool) -> VariableDefinitionNode:
    return VariableDefinitionNode(
        variable=VariableNode(name=NameNode(value=name)),
        type=NonNullTypeNode(type=_type("Boolean")),
        default_value=BooleanValueNode(value=value),
        directives=(),
    )


def _type(name: str) -> NamedTypeNode:
    return NamedTypeNode(name=NameNode(value=name))


def _set(nodes: list[Any]) -> SelectionSetNode:
    return SelectionSetNode(selections=tuple(nodes))


def _inline(name: str | None, below: SelectionSetNode, directives: Any) -> InlineFragmentNode:
    return InlineFragmentNode(
        type_condition=_type(name) if name else None,
        directives=directives or (),
        selection_set=below,
    )
