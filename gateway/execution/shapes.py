"""What an answer looks like: the requested operation, resolved against the API schema.

Shapes are made once for an operation and its Boolean variables, then used for every answer. They
complete fetched values into what the client sees, and note what is wrong in a `Completion`.
https://spec.graphql.org/October2021/#sec-Value-Completion
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from gateway.execution.faults import Fault, ResponsePath

Trail: TypeAlias = "tuple[Trail, str | int] | None"
"""A path as a linked list from its end: a small tuple for each object instead of a copy."""

ABSENT: Final = object()
MISFIT: Final = object()

Check: TypeAlias = Callable[[Any], Any]
"""A leaf value as the client sees it, or MISFIT."""


@dataclass(slots=True)
class Completion:
    """What completing one answer met that is worth a word."""

    absent: list[Trail] = field(default_factory=list)
    """Fields that nothing was fetched for."""
    denied: list[tuple[Trail, Fault]] = field(default_factory=list)
    misfits: list[tuple[Trail, str]] = field(default_factory=list)
    """Values that are not of their type, with its name."""
    broken_promises: list[tuple[Trail, str]] = field(default_factory=list)
    """Nulls where the schema promises a value, with the promise's text."""
    lists: dict[tuple[int, int], list[Any]] = field(default_factory=dict)
    """Completed lists without a note, by the identities of shape and value: an entity that several
    places show was fetched once, and its lists are completed once."""

    @property
    def notes(self) -> int:
        return len(self.absent) + len(self.denied) + len(self.misfits) + len(self.broken_promises)


class Shape(Protocol):
    def complete(self, value: Any, trail: Trail, completion: Completion) -> Any:
        """What the client sees of a value that is not null; None where it must become null."""
        ...

    def parts(self, step: str | int, value: Any) -> Iterable[Shape]:
        """The shape of a part of the value that the client can see; none where it cannot.

        There are several where the value does not say which of an abstract type it is.
        """
        ...


@dataclass(frozen=True, slots=True)
class LeafShape:
    type_name: str
    check: Check
    values: frozenset[str] | None = None
    """Of an enum."""

    def complete(self, value: Any, trail: Trail, completion: Completion) -> Any:
        result = self.check(value)
        if result is MISFIT:
            completion.misfits.append((trail, self.type_name))
            return None
        return result

    def parts(self, step: str | int, value: Any) -> Iterable[Shape]:  # noqa: ARG002 - it has none
        return ()


@dataclass(frozen=True, slots=True)
class ListShape:
    type_name: str
    """As written: `[ID!]`."""
    item: Shape
    non_null: bool
    """Whether an item may not be null."""

    def complete(self, value: Any, trail: Trail, completion: Completion) -> Any:
        if type(value) is not list:
            completion.misfits.append((trail, self.type_name))
            return None
        identity = (id(self), id(value))
        known = completion.lists.get(identity)
        if known is not None:
            return known
        notes = completion.notes
        results = []
        complete, non_null = self.item.complete, self.non_null
        for index, item in enumerate(value):
            result = None if item is None else complete(item, (trail, index), completion)
            if result is None and non_null:
                if item is None:
                    completion.broken_promises.append(((trail, index), self.type_name))
                return None
            results.append(result)
        if completion.notes == notes:
            # What went wrong is told with its path, so each place has to be looked at.
            completion.lists[identity] = results
        return results

    def parts(self, step: str | int, value: Any) -> Iterable[Shape]:  # noqa: ARG002 - all are alike
        return (self.item,) if isinstance(step, int) else ()


@dataclass(frozen=True, slots=True)
class FieldShape:
    key: str
    coordinate: str
    """`Patient.name`"""
    shape: Shape
    non_null: bool
    constant: str | None = None
    """The value, where it is known before anything is fetched: a `__typename`."""
    denied: Fault | None = None
    exact: type | None = None
    """A Python type whose every value is right as it is."""


_Fields: TypeAlias = tuple[tuple[str, type | None, FieldShape], ...]
"""Fields with what their values are mostly told by: response key and exact type."""


class ObjectShape:
    """An object, or any of an abstract type's; what is selected depends on which it is."""

    def __init__(
        self,
        type_name: str,
        types: Iterable[str],
        collect: Callable[[str], tuple[FieldShape, ...] | None],
    ) -> None:
        """`types` are all that the data may call itself: object types, and interfaces of them.

        `collect` tells the fields selected on such a type, in the client's order; on an abstract
        one what is selected on all its objects alike, or None where that differs.
        """
        self.type_name = type_name
        self.types = frozenset(types)
        # A concrete type needs no telling; whatever the data calls itself is not asked.
        self._only = type_name if self.types == {type_name} else None
        self._collect = collect
        self._fields: dict[str, _Fields | None] = {}

    def complete(self, value: Any, trail: Trail, completion: Completion) -> Any:
        fields = self._fields_of(value) if type(value) is dict else None
        if fields is None:
            completion.misfits.append((trail, self.type_name))
            return None
        results: dict[str, Any] = {}
        for key, exact, selected in fields:
            part = value.get(key, ABSENT)
            if type(part) is exact:
                # Most of an answer is strings. This loop is the hottest there is.
                results[key] = part
                continue
            result = _complete_field(part, selected, (trail, key), completion)
            if result is None and selected.non_null:
                return None
            results[key] = result
        return results

    def fields_on(self, runtime_type: str) -> tuple[FieldShape, ...] | None:
        """Those selected on such a type, in the client's order; None where they are not told."""
        fields = self._fields_on(runtime_type)
        return None if fields is None else tuple(each for _, _, each in fields)

    def parts(self, step: str | int, value: Any) -> Iterable[Shape]:
        own = self._fields_of(value) if type(value) is dict else None
        every = (self._fields_on(each) or () for each in sorted(self.types))
        for fields in every if own is None else (own,):
            for key, _, selected in fields:
                if key == step and selected.denied is None:
                    yield selected.shape

    def _fields_of(self, value: dict[str, Any]) -> _Fields | None:
        # A subgraph that knows an interface as one object (`@interfaceObject`) gives the
        # interface's own name; where nothing depends on the real one, it was not asked for.
        runtime_type = self._only or value.get("__typename") or self.type_name
        if type(runtime_type) is not str:
            return None
        return self._fields.get(runtime_type) or self._fields_on(runtime_type)

    def _fields_on(self, runtime_type: str) -> _Fields | None:
        if runtime_type not in self.types:
            return None
        if runtime_type not in self._fields:
            self._fields[runtime_type] = _with_exact_types(self._collect(runtime_type))
        return self._fields[runtime_type]


def _with_exact_types(fields: tuple[FieldShape, ...] | None) -> _Fields | None:
    if fields is None:
        return None
    return tuple((each.key, None if each.denied else each.exact, each) for each in fields)


def path_of(trail: Trail) -> ResponsePath:
    steps: list[str | int] = []
    while trail is not None:
        trail, step = trail
        steps.append(step)
    return tuple(reversed(steps))


def _complete_field(part: Any, selected: FieldShape, trail: Trail, completion: Completion) -> Any:
    if selected.constant is not None:
        return selected.constant
    if selected.denied is not None:
        completion.denied.append((trail, selected.denied))
        return None
    if part is None or part is ABSENT:
        if part is ABSENT:
            completion.absent.append(trail)
        if selected.non_null:
            completion.broken_promises.append((trail, selected.coordinate))
        return None
    return selected.shape.complete(part, trail, completion)
