"""Run a program: each fetch starts as soon as what it needs is there.

Objects are found from the root, level by level, with iterators that run in C; what was found once
is kept, since calls start from the same places again and again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat, starmap
from typing import Any, Final

import msgspec

from gateway.execution.client import SubgraphError
from gateway.execution.compiled.errors import UnusualAnswerError
from gateway.execution.compiled.program import Call, Finish, Given, Program, Step
from gateway.execution.execute import Exchange
from gateway.execution.wire import encode
from gateway.operation.tree import OperationKind

# What a decoder raises for an answer that is not as its Structs want it.
_REFUSALS: Final = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)

Holders = Sequence[msgspec.Struct]


async def run_program(
    program: Program, variables: Mapping[str, Any], exchange: Exchange
) -> msgspec.Struct:
    """The client's `data`, to be encoded as it is.

    Raises `UnusualAnswerError` where the general way has to be taken; what was asked by then has to
    be remembered by the exchange.
    """
    run = ProgramRun(program, variables)
    ready = run.begin()
    while len(ready) == 1:
        # Alone it needs no task of its own.
        ready = await _send(run, ready[0], exchange)
    if ready:
        async with asyncio.TaskGroup() as group:
            await _send_together(run, ready, exchange, group)
    return run.finish()


async def _send_together(
    run: ProgramRun, ready: Sequence[Sending], exchange: Exchange, group: asyncio.TaskGroup
) -> None:
    """Send them all, and whatever they unblock; the first goes on in this very task."""
    while ready:
        first, *others = ready
        for each in others:
            group.create_task(_send_together(run, [each], exchange, group))
        ready = await _send(run, first, exchange)


async def _send(run: ProgramRun, sending: Sending, exchange: Exchange) -> list[Sending]:
    try:
        answer = await exchange(sending.step.subgraph, sending.body, OperationKind.QUERY)
    except SubgraphError:
        return run.fail()
    return run.take(sending, answer)


class Sending(msgspec.Struct, gc=False):
    """A fetch that is to be sent now."""

    step: Step
    body: bytes
    waiting: Sequence[Group]
    """Who waits for the entities of each call."""


class Group(msgspec.Struct, gc=False):
    holders: dict[Any, Holders]
    """Of each entity, by what identifies it."""
    alone: Sequence[Any] | None
    """All of them, where each has an entity to itself."""


class ProgramRun:
    """One run, without the sending: `begin`, `take` each answer, and `finish` when all are in.

    Once an answer is unusual nothing more is to be sent; what is under way comes to its end, for
    the general way has a use for it.
    """

    __slots__ = ("_found", "_grouped", "_needs", "_program", "_root", "_variables", "unusual")

    def __init__(self, program: Program, variables: Mapping[str, Any]) -> None:
        self._program = program
        self._variables = variables
        self._root = program.root()
        self._found: list[Sequence[Any] | None] = [None] * len(program.reaches)
        self._found[0] = (self._root,)
        self._grouped: list[Group | None] = [None] * program.groupings
        self._needs = [*program.needs]
        self.unusual = False

    def begin(self) -> list[Sending]:
        return self._ready([*self._program.first])

    def take(self, sending: Sending, answer: bytes) -> list[Sending]:
        """What is to be sent now that this answer is here."""
        try:
            decoded = sending.step.decode(answer)
            if decoded.errors:
                return self.fail()
            self._absorb(sending.step, decoded.data, sending.waiting)
        except (UnusualAnswerError, *_REFUSALS):
            return self.fail()
        if self.unusual or not sending.step.unblocks:
            return []
        return self._ready(self._unblocked(sending.step))

    def fail(self) -> list[Sending]:
        """There is no answer, or none that may be taken."""
        self.unusual = True
        return []

    def finish(self) -> msgspec.Struct:
        """Raises `UnusualAnswerError`."""
        if self.unusual:
            raise UnusualAnswerError
        if self._program.finishes:
            # Found before any of them is changed: the ways to some lead through others.
            finishes = [(each, self._find(each.reach)) for each in self._program.finishes]
            for finish, objects in finishes:
                _finish(finish, objects)
        return self._root

    def _ready(self, steps: list[Step]) -> list[Sending]:
        """These, and in the place of one that has nothing to ask those that waited for it."""
        ready = []
        for step in steps:
            if step.body is not None:
                ready.append(Sending(step, step.body, ()))
                continue
            try:
                waiting = [self._group(call) for call in step.calls]
                if any(each.holders for each in waiting) or not step.calls:
                    ready.append(Sending(step, self._body(step, waiting), waiting))
                else:
                    # The list grows while it is walked.
                    steps += self._unblocked(step)
            except (UnusualAnswerError, *_REFUSALS):
                return self.fail()
        return ready

    def _unblocked(self, step: Step) -> list[Step]:
        unblocked = []
        for number in step.unblocks:
            self._needs[number] -= 1
            if not self._needs[number]:
                unblocked.append(self._program.steps[number])
        return unblocked

    def _body(self, step: Step, waiting: Sequence[Group]) -> bytes:
        """To the letter what the general way sends, so that nothing is ever asked twice."""
        variables = self._variables
        values = {name: variables[name] for name in step.variables if name in variables}
        for call, group in zip(step.calls, waiting, strict=True):
            represent = map if call.single else starmap
            values[call.variable] = list(represent(call.represent, group.holders))
        return b'%b,"variables":%b}' % (step.head, encode(values)) if values else step.head + b"}"

    def _group(self, call: Call) -> Group:
        group = self._grouped[call.grouping]
        if group is None:
            found = [self._find(target) for target in call.targets]
            try:
                group = _group_by(call, found)
            except TypeError:
                # A custom scalar may be a list.
                raise UnusualAnswerError from None
            _check_identities(call, group)
            self._grouped[call.grouping] = group
        return group

    def _find(self, number: int) -> Sequence[Any]:
        found = self._found[number]
        if found is None:
            reach = self._program.reaches[number]
            objects: Iterable[Any] = self._find(reach.above)
            if reach.only is not None:
                objects = [each for each in objects if type(each) in reach.only]
            if reach.get is not None:
                objects = map(reach.get, objects)
                for _ in range(reach.depth):
                    objects = chain.from_iterable(filter(None, objects))
                objects = filter(None, objects)
            found = self._found[number] = list(dict.fromkeys(objects) if reach.shared else objects)
        return found

    def _absorb(self, step: Step, data: msgspec.Struct, waiting: Sequence[Group]) -> None:
        if not step.calls:
            for field in step.given:
                value = field.get(data)
                if value is not None or not field.keeps:
                    setattr(self._root, field.name, value)
        for call, group in zip(step.calls, waiting, strict=True):
            entities = call.entities(data)
            if len(entities) != len(group.holders):
                raise UnusualAnswerError
            if None not in entities:
                _give(call.given, entities, group)
            elif call.indispensable:
                raise UnusualAnswerError
            else:
                pairs = zip(entities, group.holders.values(), strict=True)
                there = [each for each in pairs if each[0] is not None]
                _give_each(call.given, there)


def _finish(finish: Finish, objects: Sequence[Any]) -> None:
    if finish.arrived is not None and _lacks(list(map(finish.arrived, objects))):
        raise UnusualAnswerError
    for name in finish.hidden:
        _set_all(objects, name, repeat(msgspec.UNSET))
    if finish.shown is not None:
        for each in objects:
            each.__class__ = finish.shown


def _group_by(call: Call, found: Sequence[Sequence[Any]]) -> Group:
    if len(found) == 1:
        [holders] = found
        alone = dict(zip(map(call.identify, holders), zip(holders, strict=True), strict=True))
        if len(alone) == len(holders):
            return Group(alone, holders)
    groups: dict[Any, Any] = {}
    for holders in found:
        for identity, holder in zip(map(call.identify, holders), holders, strict=True):
            if identity in groups:
                groups[identity].append(holder)
            else:
                groups[identity] = [holder]
    return Group(groups, None)


def _check_identities(call: Call, group: Group) -> None:
    """Leave out who cannot be asked for; see `gateway.planning.plan.Representation`."""
    holders = group.holders
    if call.single:
        lacks = msgspec.UNSET in holders
        incomplete = [None] if call.keys and None in holders else []
    else:
        lacks = any(msgspec.UNSET in each for each in holders)
        incomplete = [
            each for each in holders if None in each and any(each[n] is None for n in call.keys)
        ]
    if lacks:
        raise UnusualAnswerError
    if incomplete and call.indispensable:
        raise UnusualAnswerError
    for identity in incomplete:
        group.alone = None
        del holders[identity]


def _give(given: Sequence[Given], entities: Sequence[Any], group: Group) -> None:
    if group.alone is None or any(field.keeps for field in given):
        _give_each(given, list(zip(entities, group.holders.values(), strict=True)))
        return
    for field in given:
        _set_all(group.alone, field.name, map(field.get, entities))


def _give_each(given: Sequence[Given], pairs: Sequence[tuple[Any, Holders]]) -> None:
    """Each entity to its holders."""
    for field in given:
        name, get, keeps = field.name, field.get, field.keeps
        for entity, holders in pairs:
            value = get(entity)
            if value is not None or not keeps:
                for holder in holders:
                    setattr(holder, name, value)


def _set_all(objects: Sequence[Any], name: str, values: Iterable[Any]) -> None:
    """To each its own, in a loop that runs in C."""
    deque(map(setattr, objects, repeat(name), values), maxlen=0)


def _lacks(values: Sequence[Any]) -> bool:
    """Whether a fetch did not bring what it was to bring: one thing for each, or a tuple."""
    if values and type(values[0]) is tuple:
        return any(msgspec.UNSET in each for each in values)
    return any(each is msgspec.UNSET for each in values)
