"""Canonical text of argument values: one line, single spaces, object fields as written."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import (
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    print_ast,
)
from graphql.language.print_string import print_string


def print_value(node: ValueNode) -> str:
    match node:
        case VariableNode():
            return f"${node.name.value}"
        case StringValueNode():
            # A block string is another spelling of the same value.
            return print_string(node.value)
        case ListValueNode():
            return f"[{', '.join(print_value(item) for item in node.values)}]"
        case ObjectValueNode():
            fields = (f"{field.name.value}: {print_value(field.value)}" for field in node.fields)
            return f"{{{', '.join(fields)}}}"
        case _:
            return print_ast(node)


def variables_in(node: ValueNode) -> Iterator[str]:
    match node:
        case VariableNode():
            yield node.name.value
        case ListValueNode():
            for item in node.values:
                yield from variables_in(item)
        case ObjectValueNode():
            for field in node.fields:
                yield from variables_in(field.value)
