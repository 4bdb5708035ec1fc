"""What of an answer in parts is delivered when, whatever it looks like on the wire.

A deferred fragment at one place is *pending* from when the client is told of it until it is
*completed*; one inside another is told of when the other is completed. What nobody selects apart,
because an earlier part brings it all, is never pending.
https://github.com/graphql/graphql-spec/pull/1110 (YieldSubsequentIncrementalResults)
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from gateway.execution.faults import Fault, FetchError, ResponseError, ResponsePath
from gateway.execution.groups import NOT_DEFERRED, Group, GroupCompletion, GroupShape
from gateway.execution.project import MAX_ERRORS, Errors, visible_part
from gateway.execution.shapes import ObjectShape, Trail, path_of
from gateway.operation.deferred import PRIMARY, Deferral

FindErrors: TypeAlias = Callable[[Iterable[int]], Sequence[FetchError]]
"""What went wrong in fetching these parts, and those around them."""


@dataclass(slots=True, eq=False)
class Pending:
    """A deferred fragment at one place."""

    deferral: Deferral
    path: ResponsePath
    id: str | None = None
    """None until the client is told."""
    waiting: list[_Work] = field(default_factory=list)
    """What it is still to bring."""
    completed: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Increment:
    """What one group of fields brings at one place."""

    pending: Pending
    """Of those it belongs to, the one whose path is longest."""
    sub_path: ResponsePath
    """From there."""
    data: dict[str, Any]
    errors: tuple[ResponseError, ...]


@dataclass(frozen=True, slots=True)
class Completed:
    pending: Pending
    errors: tuple[ResponseError, ...] = ()
    """Why it brings nothing at all: a null where there must not be one."""


@dataclass(frozen=True, slots=True)
class Initial:
    data: dict[str, Any] | None
    errors: tuple[ResponseError, ...]
    pending: tuple[Pending, ...]

    @property
    def has_next(self) -> bool:
        return bool(self.pending)


@dataclass(frozen=True, slots=True)
class Subsequent:
    pending: tuple[Pending, ...]
    increments: tuple[Increment, ...]
    completed: tuple[Completed, ...]
    has_next: bool

    @property
    def errors(self) -> tuple[ResponseError, ...]:
        delivered = (error for each in self.increments for error in each.errors)
        return (*delivered, *(error for each in self.completed for error in each.errors))


@dataclass(slots=True, eq=False)
class _Work:
    """A group of fields at one place, to be delivered with the first of its parts."""

    group: Group
    path: ResponsePath
    shape: GroupShape
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Result:
    work: _Work
    data: dict[str, Any]
    errors: tuple[ResponseError, ...]


class Delivery:
    """The state of one answer's delivery."""

    def __init__(
        self,
        shape: GroupShape,
        whole: ObjectShape,
        parts: Iterable[Deferral],
        find_errors: FindErrors,
    ) -> None:
        """`whole` is the shape of the answer that is not deferred."""
        self._shape = shape
        self._whole = whole
        self._data: dict[str, Any] = {}
        self._parts = {each.number: each for each in parts}
        self._find_errors = find_errors
        self._places: dict[tuple[int, ResponsePath], Pending] = {}
        self._told = Counter[int]()
        self._told_errors: list[ResponseError] = []
        self._untold: dict[tuple[int, ResponsePath], Fault] = {}
        self._ids = 0

    @property
    def awaited(self) -> frozenset[int]:
        """The parts that the client was told to wait for."""
        return frozenset(each.deferral.number for each in self._open())

    def begin(self, data: dict[str, Any]) -> Initial:
        """The primary part, once it is complete."""
        self._data = data
        completion = GroupCompletion()
        completed = self._shape.complete(data, None, completion)
        primary = _Work(NOT_DEFERRED, (), self._shape, data)
        errors = self._errors(primary, completion, self._find_errors(()))
        self._wait_for(_begun(completion, completed, ()))
        pending = self._tell_pending()
        if not pending:
            errors = (*errors, *self._rest())[:MAX_ERRORS]
        return Initial(completed, errors, pending)

    def go_on(self, complete: Collection[int]) -> Subsequent:
        """What can be delivered when these parts are complete, of those that are awaited."""
        increments: list[Increment] = []
        completed: list[Completed] = []
        errors = {part: _PlacedErrors(self._find_errors((part,))) for part in complete}
        for pending in list(self._open()):
            if pending.deferral.number in complete:
                self._deliver(pending, errors[pending.deferral.number], increments, completed)
        for pending in self._open():
            if not pending.waiting:
                # What others brought along was all that was left of it.
                pending.completed = True
                completed.append(Completed(pending))
        told = self._tell_pending()
        has_next = any(True for _ in self._open())
        if not has_next and (rest := self._rest()):
            entries: list[Any] = increments or completed
            last = entries[-1]
            entries[-1] = replace(last, errors=(*last.errors, *rest)[:MAX_ERRORS])
        return Subsequent(told, tuple(increments), tuple(completed), has_next)

    def _deliver(
        self,
        pending: Pending,
        errors: _PlacedErrors,
        increments: list[Increment],
        completed: list[Completed],
    ) -> None:
        results: list[_Result] = []
        reasons: list[ResponseError] = []
        later: list[_Work] = []
        queue = deque(pending.waiting)
        while queue:
            work = queue.popleft()
            completion = GroupCompletion()
            data = work.shape.complete_group(work.value, _trail(work.path), completion)
            told = self._errors(work, completion, errors.about(work.path))
            if data is None:
                pending.failed = True
                reasons += told
                continue
            results.append(_Result(work, data, told))
            for begun in _begun(completion, data, work.path):
                # What it brings may lead to more of it.
                is_own = pending.deferral.number in begun.group
                (queue if is_own else later).append(begun)
        pending.completed = True
        completed.append(Completed(pending, tuple(reasons)))
        if not pending.failed:
            increments += (self._increment(result, pending) for result in results)
            self._wait_for(later)

    def _increment(self, result: _Result, completed: Pending) -> Increment:
        work = result.work
        sharing = [
            found
            for number in work.group
            if (found := self._places.get((number, self._place(work.path, number))))
        ]
        for each in sharing:
            if work in each.waiting:
                each.waiting.remove(work)
        told = (each for each in sharing if each.id is not None and not each.completed)
        nearest = max((completed, *told), key=lambda each: len(each.path))
        return Increment(nearest, work.path[len(nearest.path) :], result.data, result.errors)

    def _errors(
        self,
        work: _Work,
        completion: GroupCompletion,
        fetch_errors: Iterable[FetchError],
    ) -> tuple[ResponseError, ...]:
        told = Errors(self._told)
        at = len(work.path)

        def is_here(place: ResponsePath) -> bool:
            below = place[at:]
            return place[:at] == work.path and visible_part(work.shape, work.value, below) == below

        for fault, place in told.tell_fetch_errors(
            self._whole, self._data, fetch_errors, completion, is_here
        ):
            self._untold[id(fault), place] = fault
        told.tell_completion(completion)
        errors = tuple(told.errors.values())[:MAX_ERRORS]
        self._told_errors += errors
        return errors

    def _wait_for(self, begun: Iterable[_Work]) -> None:
        for work in begun:
            for number in sorted(work.group):
                place = self._place(work.path, number)
                pending = Pending(self._parts[number], place)
                self._places.setdefault((number, place), pending).waiting.append(work)

    def _place(self, path: ResponsePath, number: int) -> ResponsePath:
        """Where on the way the deferred fragment is."""
        return _cut(path, len(self._parts[number].path))

    def _tell_pending(self) -> tuple[Pending, ...]:
        told: list[Pending] = []
        settled = False
        while not settled:
            settled = True
            for pending in self._places.values():
                if pending.id is not None or pending.completed or not self._may_begin(pending):
                    continue
                if pending.waiting:
                    pending.id = str(self._ids)
                    self._ids += 1
                    told.append(pending)
                else:
                    # Those inside it need not wait for it.
                    pending.completed, settled = True, False
        return tuple(told)

    def _may_begin(self, pending: Pending) -> bool:
        """Whether the fragment around it, if there is one at all, has been delivered."""
        number = pending.deferral.parent
        while number != PRIMARY:
            found = self._places.get((number, self._place(pending.path, number)))
            if found is not None:
                return found.completed and not found.failed
            number = self._parts[number].parent
        return True

    def _open(self) -> Iterator[Pending]:
        return (e for e in self._places.values() if e.id is not None and not e.completed)

    def _rest(self) -> tuple[ResponseError, ...]:
        """What went wrong and shows nowhere; parts that fetch the same may fail alike."""
        known = {
            (each.fault.code, each.fault.message, place)
            for each in self._told_errors
            for place in (each.path or (), (each.path or ())[:-1])
        }
        known |= {
            (fault.code, fault.message, place)
            for (identity, place), fault in self._untold.items()
            if self._told[identity]
        }
        told = Errors(self._told)
        told.tell_rest(
            (fault, place)
            for (_, place), fault in self._untold.items()
            if (fault.code, fault.message, place) not in known
        )
        return tuple(told.errors.values())


class _PlacedErrors:
    """Errors by their places, since there may be as many of them as there are objects."""

    def __init__(self, errors: Iterable[FetchError]) -> None:
        self._at: defaultdict[ResponsePath, list[FetchError]] = defaultdict(list)
        self._below: defaultdict[ResponsePath, list[FetchError]] = defaultdict(list)
        for error in errors:
            for place in error.places or ((),):
                one = FetchError(error.fault, (place,), error.whole)
                self._at[place].append(one)
                for length in range(len(place) + 1):
                    self._below[place[:length]].append(one)

    def about(self, path: ResponsePath) -> Iterator[FetchError]:
        """Those at the path, below it and above it."""
        for length in range(len(path)):
            yield from self._at.get(path[:length], ())
        yield from self._below.get(path, ())


def _begun(
    completion: GroupCompletion, completed: dict[str, Any] | None, at: ResponsePath
) -> Iterator[_Work]:
    """The groups that begin at what was brought, outer ones first; a null above takes them."""
    works = [_Work(group, path_of(trail), shape, v) for trail, group, shape, v in completion.begun]
    for work in sorted(works, key=lambda each: len(each.path)):
        if _leads_to_object(completed, work.path[len(at) :]):
            yield work


def _cut(path: ResponsePath, fields: int) -> ResponsePath:
    """The path of the enclosing object that lies so many fields below the root."""
    for length, step in enumerate(path):
        if isinstance(step, str):
            if fields == 0:
                return path[:length]
            fields -= 1
    return path


def _leads_to_object(value: Any, path: ResponsePath) -> bool:
    for step in path:
        if value is None:
            return False
        value = value[step]
    return value is not None


def _trail(path: ResponsePath) -> Trail:
    trail: Trail = None
    for step in path:
        trail = (trail, step)
    return trail
