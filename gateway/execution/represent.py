"""How an object of the fetched data is shown to a subgraph, made once for each entity call.

Almost all representations are flat: a key, and a few scalars beside it. Those are compared by their
values, and written as JSON only once each; measured, that is four times as fast as writing all.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final, Protocol

from gateway.execution.merge import merge
from gateway.execution.wire import encode
from gateway.planning.plan import Representation, RequiredField, RequiredFragment

_ABSENT: Final = object()


class Representer(Protocol):
    types: frozenset[str]

    def identify(self, value: dict[str, Any]) -> Hashable | None:
        """What two objects have in common that are shown alike; None for an incomplete one."""
        ...

    def write(self, identity: Any) -> bytes:
        """The representation, as JSON."""
        ...


def representer(representation: Representation) -> Representer:
    names = {field.name for field in representation.fields if isinstance(field, RequiredField)}
    flat = len(names) == len(representation.fields) and not any(
        field.selections for field in representation.fields
    )
    return _FlatRepresenter(representation) if flat else _DeepRepresenter(representation)


class _FlatRepresenter:
    def __init__(self, representation: Representation) -> None:
        fields = [
            field
            for field in representation.fields
            # The representation has a `__typename` of its own.
            if isinstance(field, RequiredField) and field.name != "__typename"
        ]
        self.types = frozenset(representation.types)
        self._typename = representation.typename
        self._names = [field.name for field in fields]
        self._response_keys = [field.response_key for field in fields]
        self._keys = [n for n, field in enumerate(fields) if field.name in representation.keys]

    def identify(self, value: dict[str, Any]) -> Hashable | None:
        try:
            values = tuple(map(value.__getitem__, self._response_keys))
        except KeyError:
            return None
        if None in values and any(values[n] is None for n in self._keys):
            return None
        try:
            hash(values)
        except TypeError:
            # A custom scalar may be an object or a list.
            return self._write(values)
        return values

    def write(self, identity: Any) -> bytes:
        return identity if isinstance(identity, bytes) else self._write(identity)

    def _write(self, values: tuple[Any, ...]) -> bytes:
        return encode({"__typename": self._typename, **dict(zip(self._names, values, strict=True))})


class _DeepRepresenter:
    def __init__(self, representation: Representation) -> None:
        self.types = frozenset(representation.types)
        self._representation = representation

    def identify(self, value: dict[str, Any]) -> Hashable | None:
        representation = self._representation
        fields: dict[str, Any] = {"__typename": representation.typename}
        typename = value.get("__typename") or representation.types[0]
        try:
            _fill(fields, value, representation.fields, typename)
        except _IncompleteError:
            return None
        if any(fields.get(key) is None for key in representation.keys):
            return None
        return encode(fields)

    def write(self, identity: Any) -> bytes:
        assert isinstance(identity, bytes), "see identify"
        return identity


class _IncompleteError(Exception):
    """The data lacks a required field."""


def _fill(
    into: dict[str, Any],
    value: dict[str, Any],
    selections: tuple[RequiredField | RequiredFragment, ...],
    typename: Any,
) -> None:
    for selection in selections:
        if isinstance(selection, RequiredFragment):
            if typename in selection.types:
                _fill(into, value, selection.selections, typename)
        else:
            part = value.get(selection.response_key, _ABSENT)
            if part is _ABSENT:
                raise _IncompleteError
            if selection.selections:
                merge(into, {selection.name: _required(part, selection.selections)})
            else:
                into.setdefault(selection.name, part)


def _required(value: Any, selections: tuple[RequiredField | RequiredFragment, ...]) -> Any:
    if isinstance(value, dict):
        fields: dict[str, Any] = {}
        _fill(fields, value, selections, value.get("__typename"))
        return fields
    if isinstance(value, list):
        return [_required(item, selections) for item in value]
    return value
