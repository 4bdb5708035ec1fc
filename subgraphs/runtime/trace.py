"""How long each field of one request took, in Apollo's trace format (`ftv1`).

Asked for by the header `apollo-federation-include-trace: ftv1`; a trace holds names of the schema
and the document, positions in lists and times, and no value.
https://www.apollographql.com/docs/graphos/reference/federation/subgraph-specific-fields
"""

from __future__ import annotations

import base64
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, Final, TypeAlias

from graphql import GraphQLResolveInfo

HEADER: Final = b"apollo-federation-include-trace"
EXTENSION: Final = "ftv1"
NANOSECONDS: Final = 1_000_000_000
SEVEN_BITS: Final = 0x7F

Part: TypeAlias = str | int
"""Of a path: a response key, or a position in a list."""


@dataclass(slots=True)
class Node:
    """One place of the answer; a place in a list has no name, type or times of its own."""

    name: str = ""
    type: str = ""
    parent_type: str = ""
    start: int = 0
    end: int = 0
    """Both in nanoseconds since the request began."""
    below: dict[Part, Node] = field(default_factory=dict)


class Trace:
    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._clock = clock
        self._began_at = time.time_ns()
        self._began = clock()
        self._root = Node()

    def resolve(
        self, resolve: Callable[..., Any], root: Any, info: GraphQLResolveInfo[Any], **given: Any
    ) -> Any:
        """What graphql-core calls of a middleware, which leaves what comes of a field as it is."""
        node = self._node(info)
        node.start = self._clock() - self._began
        try:
            value = resolve(root, info, **given)
        except Exception:
            node.end = self._clock() - self._began
            raise
        if isawaitable(value):
            return self._await(node, value)
        node.end = self._clock() - self._began
        return value

    def encode(self) -> str:
        """The finished trace, as `extensions.ftv1` holds it."""
        took = self._clock() - self._began
        trace = (
            _message(4, _timestamp(self._began_at))
            + _message(3, _timestamp(self._began_at + took))
            + _number(11, took)
            + _message(14, b"".join(_child(part, node) for part, node in self._root.below.items()))
        )
        return base64.b64encode(trace).decode()

    async def _await(self, node: Node, value: Awaitable[Any]) -> Any:
        try:
            return await value
        finally:
            node.end = self._clock() - self._began

    def _node(self, info: GraphQLResolveInfo[Any]) -> Node:
        node = self._root
        for part in info.path.as_list():
            node = node.below.setdefault(part, Node())
        node.name = info.field_name
        node.type = str(info.return_type)
        node.parent_type = info.parent_type.name
        return node


def _child(part: Part, node: Node) -> bytes:
    """A field `child` of a `Trace.Node`, by the numbers of Apollo's reports.proto."""
    if isinstance(part, int):
        content = _number(2, part)
    else:
        # The name in the schema is told only where an alias hides it.
        renamed = node.name if node.name != part else ""
        content = (
            _text(1, part)
            + _text(14, renamed)
            + _text(3, node.type)
            + _text(13, node.parent_type)
            + _number(8, node.start)
            + _number(9, node.end)
        )
    return _message(12, content + b"".join(_child(*each) for each in node.below.items()))


def _timestamp(nanoseconds: int) -> bytes:
    seconds, rest = divmod(nanoseconds, NANOSECONDS)
    return _number(1, seconds) + _number(2, rest)


def _text(number: int, text: str) -> bytes:
    return _message(number, text.encode()) if text else b""


def _message(number: int, content: bytes) -> bytes:
    """https://protobuf.dev/programming-guides/encoding/#length-types"""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    """Written out even if it is 0: of a position, absence would mean that there is none."""
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """https://protobuf.dev/programming-guides/encoding/#varints"""
    encoded = bytearray()
    while value > SEVEN_BITS:
        encoded.append(value & SEVEN_BITS | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
