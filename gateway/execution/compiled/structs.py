"""msgspec Structs made from positions: the decoder checks and places, the encoder projects.

A Struct's fields are the client's, in the client's order, under its response keys; what a later
fetch brings starts out as null. Fields that only the plan needs come last, and are emptied before
the answer is encoded. Decoding refuses whatever the general way would complain about, so that what
was decoded needs no further look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal

import msgspec
from graphql import specified_scalar_types

from gateway.execution.compiled.errors import NotCompilableError
from gateway.execution.compiled.floats import floats_of
from gateway.execution.compiled.positions import TYPENAME, Children, Landing, Position
from gateway.execution.compiled.program import StructType
from gateway.execution.leaves import MAX_INT, MIN_INT
from gateway.execution.shapes import FieldShape, LeafShape, ListShape, Shape

# Response keys may be Python's keywords, or names that a Struct has already.
_PREFIX: Final = "f_"
# No response key is like it: a tag cannot be a field at the same time, see `_define`.
_TAG_FIELD: Final = "@typename"
_LAYOUT: Final[Mapping[str, Any]] = {"kw_only": True, "gc": False, "eq": False}


class _AllButNull(type):
    def __instancecheck__(cls, value: object) -> bool:
        return value is not None


class Present(metaclass=_AllButNull):
    """Any JSON but null."""


def attribute(key: str) -> str:
    return _PREFIX + key


class StructMaker:
    def __init__(self) -> None:
        self._decoded: dict[Position, StructType] = {}
        self._shown: dict[Position, StructType] = {}
        self.fields = 0
        """Of all Structs together."""

    def decoded(self, position: Position) -> StructType:
        """What the objects of a position are decoded into."""
        if position not in self._decoded:
            self._decoded[position] = self._define(position, tagged=position.tagged)
        return self._decoded[position]

    def shown(self, position: Position) -> StructType:
        """What its objects have to be when they are encoded: a tag would be encoded first."""
        if not position.tagged:
            return self.decoded(position)
        if position not in self._shown:
            self._shown[position] = self._define(position, tagged=False)
        return self._shown[position]

    def patch(self, landing: Landing, keys: Iterable[str]) -> StructType:
        """What an entity is decoded into whose fields are then given to others."""
        fields: dict[str, Any] = {}
        for key in keys:
            home = next((each for each in landing.positions if key in each.fields), None)
            fields[key] = self._type(home, key) if home else Any
        return self.record(landing.type, fields)

    def record(self, name: str, types: Mapping[str, Any], *, tagged: bool = False) -> StructType:
        """A Struct of these fields in this order, positional; its name is told as a tag."""
        tag: dict[str, Any] = {"tag_field": TYPENAME, "tag": name} if tagged else {}
        fields = [(attribute(key), type_) for key, type_ in types.items()]
        names = {attribute(key): key for key in types}
        self.fields += len(fields)
        return msgspec.defstruct(name, fields, rename=names, gc=False, eq=False, **tag)

    def _define(self, position: Position, *, tagged: bool) -> StructType:
        names: dict[str, str] = {}
        fields: list[Any] = []
        for key, shown in position.fields.items():
            name = attribute(key)
            names[name] = key
            if shown.constant is not None:
                names[name] = _TAG_FIELD if tagged and key == TYPENAME else key
                fields.append((name, Literal[shown.constant], shown.constant))
            elif position.maker in position.filled_by[key]:
                fields.append((name, self._type(position, key)))
            else:
                fields.append((name, Any, _start(position, key)))
        for key in sorted(position.hidden):
            names[attribute(key)] = key
            if position.maker in position.filled_by[key]:
                fields.append((attribute(key), Any))
            else:
                fields.append((attribute(key), Any, msgspec.UNSET))
        self.fields += len(fields)
        tag: dict[str, Any] = {"tag_field": TYPENAME, "tag": position.type} if tagged else {}
        return msgspec.defstruct(position.type, fields, rename=names, **tag, **_LAYOUT)

    def _type(self, position: Position, key: str) -> Any:
        shown = position.fields[key]
        if shown.constant is not None:
            return Literal[shown.constant]
        inner = _innermost_type(shown, lambda: self._union(position.children[key]))
        return _wrap(shown.shape, inner, non_null=shown.non_null)

    def _union(self, children: Children) -> Any:
        structs = [self.decoded(each) for each in children if each.is_complete]
        if not structs:
            raise NotCompilableError("nobody brings what is asked of any type")
        return reduce(or_, structs)


def decoder(data: Any) -> Callable[[bytes], Any]:
    """Of whole answers whose `data` is of this type; raises for anything else."""
    answer = msgspec.defstruct(
        "Answer", [("data", data), ("errors", Any, None)], gc=False, eq=False, frozen=True
    )
    decode = msgspec.json.Decoder(answer, dec_hook=_as_it_is, float_hook=Decimal).decode
    floats = floats_of(answer)
    if floats is None:
        return decode
    check = msgspec.json.Decoder(floats).decode

    def decode_checked(body: bytes) -> Any:
        check(body)
        return decode(body)

    return decode_checked


def _as_it_is(_: type, value: Any) -> Any:
    """Of a type that is not msgspec's own, which then asks the type itself."""
    return value


def _start(position: Position, key: str) -> Any:
    return msgspec.UNSET if key in position.awaited else None


def _innermost_type(shown: FieldShape, union: Callable[[], Any]) -> Any:
    shape: Shape = shown.shape
    non_null = shown.non_null
    while isinstance(shape, ListShape):
        non_null, shape = shape.non_null, shape.item
    if not isinstance(shape, LeafShape):
        return union()
    if shape.values is not None:
        return Literal[tuple(sorted(shape.values))]
    if shape.type_name in specified_scalar_types:
        return _SCALARS[shape.type_name]
    return Present if non_null else Any


def _wrap(shape: Shape, inner: Any, *, non_null: bool) -> Any:
    if isinstance(shape, ListShape):
        inner = list[_wrap(shape.item, inner, non_null=shape.non_null)]  # type: ignore[misc]
    return inner if non_null or inner is Any else inner | None


_SCALARS: Final[Mapping[str, Any]] = {
    "Int": Annotated[int, msgspec.Meta(ge=MIN_INT, le=MAX_INT)],
    "Float": Decimal,
    "String": str,
    "Boolean": bool,
    "ID": str,
}
