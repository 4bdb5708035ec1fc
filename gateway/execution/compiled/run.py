"""Run a program: each fetch starts as soon as what it needs is there.

Objects are found from the root, level by level, with iterators that run in C; what was found once
is kept, since calls start from the same places again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, starmap
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

Holders = list[msgspec.Struct]


async def run_program(
    program: Program, variables: Mapping[str, Any], exchange: Exchange
) -> msgspec.Struct:
    """The client's `data`, to be encoded as it is.

    Raises `UnusualAnswerError` where the general way has to be taken; what was asked by then has to
    be remembered by the exchange.
    """
    execution = _Execution(program, variables, exchange)
    await execution.run()
    if execution.unusual:
        raise UnusualAnswerError
    return execution.finish()


class _Execution:
    def __init__(self, program: Program, variables: Mapping[str, Any], exchange: Exchange) -> None:
        self._program = program
        self._variables = variables
        self._exchange = exchange
        self._root = program.root()
        self._found: list[Sequence[Any] | None] = [None] * len(program.reaches)
        self._found[0] = (self._root,)
        self._grouped: list[dict[Any, Holders] | None] = [None] * program.groupings
        self._needs = [step.needs for step in program.steps]
        self.unusual = False

    async def run(self) -> None:
        ready = [step for step in self._program.steps if not step.needs]
        while len(ready) == 1:
            # Alone it needs no task of its own.
            ready = await self._run_step(ready[0])
        if ready:
            async with asyncio.TaskGroup() as group:
                await self._run_together(ready, group)

    def finish(self) -> msgspec.Struct:
        # Found before any of them is changed: the ways to some lead through others.
        finishes = [(each, self._find(each.reach)) for each in self._program.finishes]
        for finish, objects in finishes:
            _finish(finish, objects)
        return self._root

    async def _run_together(self, ready: Sequence[Step], group: asyncio.TaskGroup) -> None:
        """Start them all, and whatever they unblock; the first goes on in this very task."""
        while ready:
            first, *others = ready
            for step in others:
                group.create_task(self._run_together([step], group))
            ready = await self._run_step(first)

    async def _run_step(self, step: Step) -> list[Step]:
        """Those that have waited for nothing else."""
        try:
            waiting = [self._group(call) for call in step.calls]
            if any(waiting) or not step.calls:
                body = self._body(step, waiting)
                answer = await self._exchange(step.subgraph, body, OperationKind.QUERY)
                decoded = step.decode(answer)
                if decoded.errors:
                    self.unusual = True
                else:
                    self._absorb(step, decoded.data, waiting)
        except (UnusualAnswerError, SubgraphError, *_REFUSALS):
            self.unusual = True
        # What is under way elsewhere comes to its end: the general way has a use for it.
        return [] if self.unusual else self._unblocked(step)

    def _unblocked(self, step: Step) -> list[Step]:
        unblocked = []
        for number in step.unblocks:
            self._needs[number] -= 1
            if not self._needs[number]:
                unblocked.append(self._program.steps[number])
        return unblocked

    def _body(self, step: Step, waiting: Sequence[Mapping[Any, Holders]]) -> bytes:
        """To the letter what the general way sends, so that nothing is ever asked twice."""
        variables = self._variables
        values = {name: variables[name] for name in step.variables if name in variables}
        for call, groups in zip(step.calls, waiting, strict=True):
            shown = map(call.represent, groups) if call.single else starmap(call.represent, groups)
            values[call.variable] = list(shown)
        return b'%b,"variables":%b}' % (step.head, encode(values)) if values else step.head + b"}"

    def _group(self, call: Call) -> dict[Any, Holders]:
        """The holders of each entity, by what identifies it."""
        groups = self._grouped[call.grouping]
        if groups is None:
            groups = {}
            for target in call.targets:
                holders = self._find(target)
                try:
                    for identity, holder in zip(map(call.identify, holders), holders, strict=True):
                        if identity in groups:
                            groups[identity].append(holder)
                        else:
                            groups[identity] = [holder]
                except TypeError:
                    # A custom scalar may be a list.
                    raise UnusualAnswerError from None
            _check_identities(call, groups)
            self._grouped[call.grouping] = groups
        return groups

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

    def _absorb(
        self, step: Step, data: msgspec.Struct, waiting: Sequence[Mapping[Any, Holders]]
    ) -> None:
        if not step.calls:
            _give(step.given, data, (self._root,))
        for call, groups in zip(step.calls, waiting, strict=True):
            entities = call.entities(data)
            if len(entities) != len(groups):
                raise UnusualAnswerError
            for entity, holders in zip(entities, groups.values(), strict=True):
                if entity is not None:
                    _give(call.given, entity, holders)
                elif call.indispensable:
                    raise UnusualAnswerError


def _finish(finish: Finish, objects: Sequence[Any]) -> None:
    if finish.arrived is not None and any(map(_lacks, map(finish.arrived, objects))):
        raise UnusualAnswerError
    for name in finish.hidden:
        for each in objects:
            setattr(each, name, msgspec.UNSET)
    if finish.shown is not None:
        for each in objects:
            each.__class__ = finish.shown


def _check_identities(call: Call, groups: dict[Any, Holders]) -> None:
    """Leave out who cannot be asked for; see `gateway.planning.plan.Representation`."""
    incomplete = []
    for identity in groups:
        values = (identity,) if call.single else identity
        if _lacks(values):
            raise UnusualAnswerError
        if None in values and any(values[n] is None for n in call.keys):
            incomplete.append(identity)
    if incomplete and call.indispensable:
        raise UnusualAnswerError
    for identity in incomplete:
        del groups[identity]


def _give(given: Sequence[Given], patch: msgspec.Struct, holders: Iterable[msgspec.Struct]) -> None:
    for field in given:
        value = field.get(patch)
        if value is not None or not field.keeps:
            for holder in holders:
                setattr(holder, field.name, value)


def _lacks(values: Any) -> bool:
    """Whether a fetch did not bring what it was to bring."""
    return values is msgspec.UNSET or (type(values) is tuple and msgspec.UNSET in values)
