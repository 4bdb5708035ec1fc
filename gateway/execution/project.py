"""From fetched data to the client's answer: its fields, its order, its nulls, its errors' paths.

Nothing leaves that was not requested, whatever a plan had to fetch beside it. Of an answer without
faults this is one walk; the errors are put together afterwards, and only where there are some.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from contract.errors import Code
from gateway.errors import PublicText
from gateway.execution.faults import Fault, FetchError, ResponseError, ResponsePath
from gateway.execution.shapes import Completion, ObjectShape, Shape, path_of

MAX_ERRORS: Final = 100
MAX_PLACES: Final = 20
"""Of one fault."""
MAX_SHAPES: Final = 100
"""Of one place: below a null nothing says which member of a type is meant, and all are tried."""


@dataclass(frozen=True, slots=True)
class Projected:
    data: dict[str, Any] | None
    errors: tuple[ResponseError, ...]


def project(shape: ObjectShape, data: dict[str, Any], errors: Sequence[FetchError]) -> Projected:
    completion = Completion()
    completed = shape.complete(data, None, completion)
    if not (errors or completion.denied or completion.misfits or completion.broken_promises):
        return Projected(completed, ())
    told = Errors()
    told.tell_rest(told.tell_fetch_errors(shape, data, errors, completion))
    told.tell_completion(completion)
    return Projected(completed, tuple(told.errors.values())[:MAX_ERRORS])


class Errors:
    """The answer's errors, in the order of: fetching, denials, completion.

    A fault that hits a thousand rows is told for the first few, lest it crowd out all others.
    """

    def __init__(self, told: Counter[int] | None = None) -> None:
        """`told` is how often each fault was told before, by its identity."""
        self.errors: dict[tuple[str, str, ResponsePath], ResponseError] = {}
        self._told = Counter[int]() if told is None else told
        self._explained: set[ResponsePath] = set()
        """Every position an error lies at or below."""
        self._missing: set[int] = set()
        """The identities of the trails to fields that a fault left unfetched."""

    def tell_fetch_errors(
        self,
        shape: Shape,
        data: dict[str, Any],
        errors: Iterable[FetchError],
        completion: Completion,
        is_here: Callable[[ResponsePath], bool] = lambda _: True,
    ) -> list[tuple[Fault, ResponsePath]]:
        """Returns the faults that are to be told somewhere, and where.

        The shape is of all the data. What is completed may be a part of it: of the fields that the
        client sees, those are told of that are there.
        """
        elsewhere: list[tuple[Fault, ResponsePath]] = []
        waiting: dict[ResponsePath, list[Fault]] = {}
        for error in errors:
            for place in error.places or ((),):
                visible = visible_part(shape, data, place)
                if error.whole or visible != place:
                    # Something the client did not ask for failed: it shows in what is missing.
                    waiting.setdefault(visible, []).append(error.fault)
                elif is_here(place):
                    self.tell(error.fault, place)
                else:
                    elsewhere.append((error.fault, place))
        if waiting:
            self._tell_missing(waiting, completion)
        return [*((fault, at) for at, faults in waiting.items() for fault in faults), *elsewhere]

    def tell_rest(self, faults: Iterable[tuple[Fault, ResponsePath]]) -> None:
        """Those that were told nowhere else, each at one place."""
        for fault, place in faults:
            if not self._told[id(fault)]:
                self.tell(fault, place)

    def tell_completion(self, completion: Completion) -> None:
        for trail, fault in completion.denied:
            self.tell(fault, path_of(trail))
        for trail, type_name in completion.misfits:
            self.tell(_misfit(type_name), path_of(trail))
        for trail, promise in completion.broken_promises:
            if id(trail) not in self._missing and (path := path_of(trail)) not in self._explained:
                self.tell(_broken_promise(promise), path)

    def _tell_missing(
        self, waiting: dict[ResponsePath, list[Fault]], completion: Completion
    ) -> None:
        """Point each fault at the fields it left unfetched: those nearest below its places."""
        known: dict[int, list[Fault]] = {}
        for trail in completion.absent:
            parent = id(trail[0]) if trail else 0
            if parent not in known:
                known[parent] = _nearest_above(path_of(trail), waiting)
            for fault in known[parent]:
                self._missing.add(id(trail))
                if self._told[id(fault)] < MAX_PLACES:
                    self.tell(fault, path_of(trail))

    def tell(self, fault: Fault, path: ResponsePath) -> None:
        self._explained.update(path[:length] for length in range(len(path) + 1))
        if self._told[id(fault)] < MAX_PLACES:
            self._told[id(fault)] += 1
            self.errors[fault.code, fault.message, path] = ResponseError(fault, path or None)


def _nearest_above(path: ResponsePath, waiting: Mapping[ResponsePath, list[Fault]]) -> list[Fault]:
    above = (path[:length] for length in range(len(path) - 1, -1, -1))
    return next((waiting[place] for place in above if place in waiting), [])


def visible_part(shape: Shape, value: Any, place: ResponsePath) -> ResponsePath:
    """The place, up to the first step the client cannot see."""
    shapes: list[Shape] = [shape]
    for length, step in enumerate(place):
        parts = (part for each in shapes for part in each.parts(step, value))
        shapes = list(islice(parts, MAX_SHAPES))
        if not shapes:
            return place[:length]
        value = _part(value, step)
    return place


def _part(value: Any, step: str | int) -> Any:
    if isinstance(step, str):
        return value.get(step) if type(value) is dict else None
    return value[step] if type(value) is list and 0 <= step < len(value) else None


def _misfit(type_name: str) -> Fault:
    message = f"The value is not of type {type_name}."
    return Fault(Code.SUBGRAPH_INVALID_RESPONSE, PublicText(message))


def _broken_promise(promise: str) -> Fault:
    message = f"Cannot return null for non-nullable {promise}."
    return Fault(Code.SUBGRAPH_INVALID_RESPONSE, PublicText(message))
