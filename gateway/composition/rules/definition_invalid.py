from __future__ import annotations

from collections.abc import Iterator

from graphql import (
    DirectiveDefinitionNode,
    InputValueDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    TypeDefinitionNode,
    TypeNode,
    print_ast,
    specified_scalar_types,
)

from gateway.composition.complete import own_definitions, provided_definitions
from gateway.composition.problems import Problem, problem
from gateway.composition.read import UPGRADED, ParsedSubgraph
from gateway.composition.values import print_value, read_value
from gateway.federation.directives import specification
from gateway.federation.link import FEDERATION, Version

_CODE = "DIRECTIVE_DEFINITION_INVALID"


def definition_invalid(parsed: ParsedSubgraph) -> Iterator[Problem]:
    """DIRECTIVE_DEFINITION_INVALID and TYPE_DEFINITION_INVALID.

    A subgraph may write out the definitions it gets from federation, if it does so rightly. It may
    leave out optional arguments and locations, demand optional arguments, and type a scalar.
    """
    expected: dict[tuple[type, str], DirectiveDefinitionNode | ScalarTypeDefinitionNode] = {}
    for node in provided_definitions(parsed):
        if isinstance(node, DirectiveDefinitionNode | ScalarTypeDefinitionNode):
            expected.setdefault((type(node), node.name.value), node)
    if parsed.version is None:
        expected = {**_upgraded_definitions(), **expected}
    own = own_definitions(parsed)
    scalars = {
        node.name.value
        for node in own
        if isinstance(node, ScalarTypeDefinitionNode | ScalarTypeExtensionNode)
    }
    for node in own:
        if isinstance(node, DirectiveDefinitionNode):
            like = expected.get((DirectiveDefinitionNode, node.name.value))
            if isinstance(like, DirectiveDefinitionNode):
                for message in _differences(like, node, scalars):
                    text = f'Invalid definition for "@{node.name.value}": {message}'
                    yield problem(_CODE, text, parsed.name, node)
        elif isinstance(node, TypeDefinitionNode):
            is_known = (ScalarTypeDefinitionNode, node.name.value) in expected
            if is_known and not isinstance(node, ScalarTypeDefinitionNode):
                message = f'"{node.name.value}" must be a scalar'
                yield problem("TYPE_DEFINITION_INVALID", message, parsed.name, node)


def _upgraded_definitions() -> dict[
    tuple[type, str], DirectiveDefinitionNode | ScalarTypeDefinitionNode
]:
    """A directive named like one of Federation 2 becomes it in the upgrade."""
    known = specification(FEDERATION, Version(2, 4))
    assert known is not None
    return {(DirectiveDefinitionNode, name): known.directives[name] for name in UPGRADED}


def _differences(
    expected: DirectiveDefinitionNode, actual: DirectiveDefinitionNode, scalars: set[str]
) -> Iterator[str]:
    given = {argument.name.value: argument for argument in actual.arguments or ()}
    for argument in expected.arguments or ():
        name = argument.name.value
        own = given.pop(name, None)
        if own is not None:
            yield from _argument_differences(argument, own, scalars)
        elif isinstance(argument.type, NonNullTypeNode) and argument.default_value is None:
            yield f'missing required argument "{name}"'
    for name in given:
        yield f'unknown argument "{name}"'
    if actual.repeatable and not expected.repeatable:
        yield "it should not be repeatable"
    allowed = {location.value for location in expected.locations}
    excess = [node.value for node in actual.locations if node.value not in allowed]
    if excess:
        yield f"it cannot stand on {', '.join(excess)}"


def _argument_differences(
    expected: InputValueDefinitionNode, actual: InputValueDefinitionNode, scalars: set[str]
) -> Iterator[str]:
    name, actual_type = expected.name.value, actual.type
    is_demanded = isinstance(actual_type, NonNullTypeNode)
    if isinstance(actual_type, NonNullTypeNode) and not isinstance(expected.type, NonNullTypeNode):
        actual_type = actual_type.type
    if not _is_redefinition(expected.type, actual_type, scalars):
        yield (
            f'argument "{name}" should have type "{print_ast(expected.type)}"'
            f' but has "{print_ast(actual.type)}"'
        )
    elif not is_demanded:
        ours, theirs = (
            read_value(node.default_value) if node.default_value else None
            for node in (expected, actual)
        )
        if ours != theirs:
            yield f'argument "{name}" should have default {print_value(ours)}'


def _is_redefinition(expected: TypeNode, actual: TypeNode, scalars: set[str]) -> bool:
    """The same type, or anything but another custom scalar in place of a custom scalar."""
    if isinstance(expected, NonNullTypeNode):
        return isinstance(actual, NonNullTypeNode) and _is_redefinition(
            expected.type, actual.type, scalars
        )
    if isinstance(expected, ListTypeNode):
        return isinstance(actual, ListTypeNode) and _is_redefinition(
            expected.type, actual.type, scalars
        )
    assert isinstance(expected, NamedTypeNode)
    actual_name = actual.name.value if isinstance(actual, NamedTypeNode) else None
    if expected.name.value == actual_name:
        return True
    return expected.name.value not in specified_scalar_types and actual_name not in scalars
