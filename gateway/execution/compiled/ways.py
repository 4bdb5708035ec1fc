"""Ways from the root to the objects of an answer; `Reach`es, once the types are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, TypeAlias

from gateway.execution.compiled.errors import NotCompilableError
from gateway.execution.compiled.positions import Position, list_depth
from gateway.execution.compiled.program import Reach
from gateway.execution.compiled.structs import StructMaker, attribute
from gateway.planning.plan import Key, Path

ROOT: Final = 0
"""The number of the way that leads nowhere else."""

Turn: TypeAlias = str | frozenset[str]
"""One step of a way: into a field, or on with objects of these types only."""


@dataclass(frozen=True, slots=True)
class Way:
    above: int
    """The number of the way it goes on from."""
    turn: Turn
    positions: tuple[Position, ...]
    needs: frozenset[int]
    """The fetches that have to be done before all its objects are there."""


class Ways:
    """All of one program; each is known by its number, and made when it is first taken."""

    def __init__(self, root: Position) -> None:
        self._ways = [Way(ROOT, "", (root,), frozenset())]
        self._known: dict[tuple[int, Turn], int] = {}

    def __getitem__(self, number: int) -> Way:
        return self._ways[number]

    def __iter__(self) -> Iterator[int]:
        """Those too that are added meanwhile."""
        number = 0
        while number < len(self._ways):
            yield number
            number += 1

    def to(self, path: Path) -> int:
        number = ROOT
        for step in path:
            turn = step.name if isinstance(step, Key) else frozenset(step.types)
            number = self.turn(number, turn)
        return number

    def turn(self, number: int, turn: Turn) -> int:
        """Go on from a way."""
        above = self._ways[number]
        if isinstance(turn, frozenset):
            kept = tuple(each for each in above.positions if each.type in turn)
            if kept == above.positions:
                return number
            way = Way(number, turn, kept, above.needs)
        else:
            starts = [each for each in above.positions if turn in each.children]
            ends = dict.fromkeys(below for each in starts for below in each.children[turn])
            bringers = (fetch for each in starts for fetch in each.filled_by[turn])
            way = Way(number, turn, tuple(ends), above.needs.union(bringers))
        if (number, turn) not in self._known:
            self._known[number, turn] = len(self._ways)
            self._ways.append(way)
        return self._known[number, turn]

    def reaches(self, structs: StructMaker) -> tuple[Reach, ...]:
        """Raises `NotCompilableError`."""
        return tuple(self._reach(way, structs) for way in self._ways)

    def _reach(self, way: Way, structs: StructMaker) -> Reach:
        above = [each for each in self._ways[way.above].positions if each.is_complete]
        starts = [each for each in above if _starts(each, way.turn)]
        field = way.turn if isinstance(way.turn, str) else ""
        return Reach(
            above=way.above,
            get=attrgetter(attribute(field)) if field else None,
            depth=_depth(starts, field) if field else 0,
            only=(
                None
                if len(starts) == len(above)
                else frozenset(structs.decoded(each) for each in starts)
            ),
            # What its maker did not make was given to all who hold the same entity.
            shared=any(each.maker not in each.filled_by.get(field, ()) for each in starts),
        )


def _starts(position: Position, turn: Turn) -> bool:
    return turn in position.children if isinstance(turn, str) else position.type in turn


def _depth(starts: Sequence[Position], field: str) -> int:
    depths = {list_depth(each.fields[field].shape) for each in starts}
    if len(depths) > 1:
        raise NotCompilableError("lists of different depths")
    return max(depths, default=0)
