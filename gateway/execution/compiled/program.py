"""A plan, compiled for one shape of the client's answer: what to send, decode, place and hide.

It holds no values and no identity, like the plan it was made of, and is used by any number of
requests at once. `compile_program` makes it, `run_program` runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

Getter: TypeAlias = Callable[[Any], Any]
StructType: TypeAlias = type[msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Reach:
    """One step on the way from the root to the objects of some positions."""

    above: int
    """The number of the reach it starts from."""
    get: Getter | None
    """The field that leads on; None where objects of other types are only left out."""
    depth: int
    """How many lists lie around the objects."""
    only: frozenset[StructType] | None
    """The types of the objects above that it starts from; None for all."""
    shared: bool
    """Whether several objects above may hold the very same object."""


@dataclass(frozen=True, slots=True)
class Given:
    """A field that holders take over from a patch."""

    name: str
    get: Getter
    keeps: bool
    """Null does not replace what is there: another fetch brings the field as well."""


@dataclass(frozen=True, slots=True)
class Call:
    """One entity call: what identifies its holders, and what each of them is given."""

    entities: Getter
    """Of the answer's data."""
    variable: str
    targets: tuple[int, ...]
    """Numbers of reaches."""
    grouping: int
    """The number of the way its holders are grouped; calls that group alike share it."""
    identify: Getter
    """A holder's values for the representation: a tuple, or bare if there is one."""
    keys: tuple[int, ...]
    """Which of those values belong to the key: with a null in one an entity is not asked for."""
    single: bool
    """Whether there is one value."""
    represent: StructType
    given: tuple[Given, ...]
    indispensable: bool
    """Whether a holder without its entity breaks a promise of the schema."""


@dataclass(frozen=True, slots=True)
class Step:
    """One fetch."""

    number: int
    subgraph: str
    head: bytes
    """The request's body, up to its variables."""
    body: bytes | None
    """All of it, where that is the same each time."""
    variables: tuple[str, ...]
    """The client's variables it passes on."""
    decode: Callable[[bytes], Any]
    calls: tuple[Call, ...]
    """None for a fetch of root fields."""
    given: tuple[Given, ...]
    """What the root takes over."""
    needs: int
    """How many other steps have to be done before."""
    unblocks: tuple[int, ...]
    """The numbers of those that wait for this one."""


@dataclass(frozen=True, slots=True)
class Finish:
    """What the objects at one place need before they are encoded."""

    reach: int
    arrived: Getter | None
    """Fields that a fetch was to bring, and another one was to be sent."""
    hidden: tuple[str, ...]
    """Fields that the client did not ask for."""
    shown: StructType | None
    """What replaces a type that would be encoded with its tag."""


@dataclass(frozen=True, slots=True)
class Program:
    steps: tuple[Step, ...]
    needs: tuple[int, ...]
    """Of each step."""
    first: tuple[Step, ...]
    """Those that need nothing."""
    reaches: tuple[Reach, ...]
    groupings: int
    root: StructType
    finishes: tuple[Finish, ...]
    bytes: int
    """About what it takes."""
