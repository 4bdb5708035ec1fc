"""Run a query plan in parts, all of which may be under way at once.

Each part's fetches begin as soon as what they need is there, whoever fetches it; a part is complete
when all of its own are done. All parts change one tree of data, in which nothing is ever taken
back, and whoever reads a part of it reads only what belongs to that part.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from gateway.execution.execute import Exchange, Execution
from gateway.execution.faults import FetchError
from gateway.operation.deferred import PRIMARY
from gateway.planning.plan import (
    DeferNode,
    DeferredNode,
    PlanNode,
    fetch_numbers,
)


@dataclass(frozen=True, slots=True)
class _Run:
    parts: frozenset[int]
    execution: Execution
    task: asyncio.Task[None]


class PartsExecution:
    """Use it as a context manager, after which nothing of it is under way."""

    def __init__(self, node: DeferNode, variables: Mapping[str, Any], exchange: Exchange) -> None:
        """`variables` are coerced."""
        self.data: dict[str, Any] = {}
        self._node = node
        self._variables = variables
        self._exchange = exchange
        self._parents = {part.number: part.parent for each in node.deferred for part in each.parts}
        self._fetched: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self._changed = asyncio.Event()
        self._runs: list[_Run] = []

    async def __aenter__(self) -> Self:
        primary = self._begin(frozenset({PRIMARY}), self._node.primary, ())
        self._runs.append(primary)
        for each in self._sorted():
            parts = frozenset(part.number for part in each.parts)
            self._runs.append(self._begin(parts, each.node, each.after))
        return self

    async def __aexit__(self, *_: object) -> None:
        for run in self._runs:
            run.task.cancel()
        await asyncio.gather(*(run.task for run in self._runs), return_exceptions=True)

    async def wait(self, parts: Collection[int]) -> frozenset[int]:
        """Those of the parts that are complete, once there are any."""
        while True:
            for run in self._runs:
                if run.task.done():
                    # Only a bug ends one otherwise; whoever waits is to know.
                    run.task.result()
            complete = frozenset(part for part in parts if self._is_complete(part))
            if complete:
                return complete
            self._changed.clear()
            await self._changed.wait()

    def errors(self, parts: Iterable[int]) -> list[FetchError]:
        """What went wrong in fetching these parts, and those around them."""
        every = {PRIMARY}.union(*map(self._with_those_around, parts))
        return [e for run in self._runs if run.parts & every for e in run.execution.errors]

    def _begin(self, parts: frozenset[int], node: PlanNode | None, after: Collection[int]) -> _Run:
        around = {PRIMARY}.union(*map(self._with_those_around, parts))
        execution = Execution(
            self.data,
            self._variables,
            self._exchange,
            earlier=[run.execution.errors for run in self._runs if run.parts & around],
            finished=lambda number: self._fetched[number].set(),
        )
        return _Run(parts, execution, asyncio.create_task(self._run(execution, node, after)))

    async def _run(
        self, execution: Execution, node: PlanNode | None, after: Collection[int]
    ) -> None:
        try:
            for number in after:
                await self._fetched[number].wait()
            if node is not None:
                await execution.run(node)
                # Those that a condition left out will not come any more.
                for number in fetch_numbers(node):
                    self._fetched[number].set()
        finally:
            self._changed.set()

    def _sorted(self) -> list[DeferredNode]:
        """Those of a part after those of the parts around it, for their errors concern it."""
        return sorted(self._node.deferred, key=lambda each: max(p.number for p in each.parts))

    def _is_complete(self, part: int) -> bool:
        return all(run.task.done() for run in self._runs if part in run.parts)

    def _with_those_around(self, part: int) -> Iterator[int]:
        while part != PRIMARY:
            yield part
            # Of a part that was denied whole, the plan knows nothing.
            part = self._parents.get(part, PRIMARY)
