"""One request on a way that was settled before: no task of its own, and nothing looked up twice.

What was sent and what came is told by calls from within the event loop. Whatever turns out
otherwise than it mostly does (an answer with errors or of another type, a subgraph that fails) is
left to the general way, which is told what has been asked already and alone knows what to make of
it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, TypeAlias

import msgspec

from gateway.asked import Asked, Selected
from gateway.authorization.identity import Identity
from gateway.decision import Decision
from gateway.demand.demand import Bill, Price
from gateway.departure import Departure
from gateway.documents.request import GraphQLRequest
from gateway.engine import Answer
from gateway.exchange import Fetching, Peers, RequestExchange
from gateway.execution.compiled.errors import UnusualAnswerError
from gateway.execution.compiled.program import Program
from gateway.execution.compiled.programs import ProgramKey
from gateway.execution.compiled.run import ProgramRun, Sending
from gateway.execution.execute import Exchange
from gateway.execution.once import Known, OnceExchange
from gateway.flights import Sender
from gateway.ledger import Ledger, Prepared
from gateway.operation.tree import OperationKind

Tell: TypeAlias = Callable[[bytes | Exception], None]
"""Told once of the answer, or why there is none; never from within the call that began it."""
GeneralWay: TypeAlias = Callable[[Prepared, RequestExchange, Exchange], Coroutine[Any, Any, bytes]]


class Way(msgspec.Struct, frozen=True, eq=False):
    """What is decided of one operation for all whom it was decided alike for."""

    selected: Selected
    decision: Decision
    price: Price | None
    """None where costs are off."""
    program: ProgramKey
    """Where no variable and no label changes what is asked."""
    until: float
    """By the clock of the documents' store; endless for what nobody takes back."""


class Bearing(msgspec.Struct, frozen=True, eq=False):
    """Who is on the way."""

    identity: Identity
    sender: Sender
    lines: bytes
    """The sender's headers as they are sent."""


class Surroundings(msgspec.Struct):
    """What every passage of one schema needs."""

    peers: Peers
    ledger: Ledger
    general: GeneralWay
    under_way: int = 0


class Passage:
    __slots__ = (
        "_around", "_asked", "_bearing", "_bill", "_coming", "_departure", "_ending", "_exchange",
        "_request", "_run", "_tell", "_way",
    )  # fmt: skip

    def __init__(
        self,
        around: Surroundings,
        way: Way,
        bearing: Bearing,
        request: GraphQLRequest,
        request_id: str,
        bill: Bill | None,
        tell: Tell,
    ) -> None:
        self._around = around
        self._way = way
        self._bearing = bearing
        self._request = request
        self._bill = bill
        self._tell: Tell | None = tell
        self._exchange = RequestExchange(
            around.peers, request_id, bearing.sender, lines=bearing.lines
        )
        self._asked: Known = {}
        self._coming: dict[int, Fetching | asyncio.Future[bytes]] = {}
        """By the number of the step."""
        self._departure: Departure | None = None
        self._ending: asyncio.Task[None] | None = None

    def begin(self, program: Program, variables: Mapping[str, Any]) -> None:
        self._around.under_way += 1
        self._run = ProgramRun(program, variables)
        ready = self._run.begin()
        if ready:
            self._go_on(ready)
        else:
            asyncio.get_running_loop().call_soon(self._go_on, ready)

    def give_up(self) -> None:
        """Nobody waits for the answer any more. What was read is written down all the same."""
        self._tell = None
        if self._departure is not None:
            self._departure.happen()
        elif self._ending is None:
            self._cancel()
            self._end_with(self._audit())

    def _go_on(self, ready: list[Sending]) -> None:
        if self._tell is None:
            return
        try:
            for each in ready:
                self._send(each)
            if not self._coming:
                self._finish()
        except Exception:
            if self._tell is None:
                raise
            # Nobody above us could tell the client; the general way can.
            self._leave()

    def _send(self, sending: Sending) -> None:
        subgraph, body = sending.step.subgraph, sending.body
        take = partial(self._take, sending)
        begun: Fetching | asyncio.Future[bytes] | None = None
        if (subgraph, body) not in self._asked:
            begun = self._exchange.begin(subgraph, body, take)
        if begun is None:
            # What has to be waited for is waited for in a task.
            once = OnceExchange(self._exchange, self._asked)
            begun = asyncio.ensure_future(once(subgraph, body, OperationKind.QUERY))
            begun.add_done_callback(partial(_tell_of, take))
        self._coming[sending.step.number] = begun

    def _take(self, sending: Sending, answer: bytes | Exception) -> None:
        del self._coming[sending.step.number]
        self._asked[sending.step.subgraph, sending.body] = answer
        if isinstance(answer, Exception):
            self._go_on(self._run.fail())
        else:
            self._go_on(self._run.take(sending, answer))

    def _finish(self) -> None:
        try:
            answer = Answer(self._run.finish(), ())
        except UnusualAnswerError:
            self._leave()
            return
        ledger = self._around.ledger
        if ledger.writes:
            self._end_with(ledger.conclude(self._prepared(), self._exchange, answer))
        else:
            self._end(ledger.render(self._bill, self._exchange.request_id, answer))

    def _leave(self) -> None:
        """The general way knows what has been asked, and begins from the beginning with it."""
        self._cancel()
        self._departure = Departure()
        once = OnceExchange(self._exchange, self._asked)
        self._end_with(self._around.general(self._prepared(), self._exchange, once))

    def _cancel(self) -> None:
        for each in self._coming.values():
            each.cancel()
        self._coming.clear()

    async def _audit(self) -> bytes:
        await self._around.ledger.audit(self._prepared(), self._exchange, set())
        return b""

    def _prepared(self) -> Prepared:
        bearing, way = self._bearing, self._way
        asked = Asked(self._request, headers=bearing.sender.headers, departure=self._departure)
        return Prepared(asked, bearing.identity, way.selected, way.decision, self._bill)

    def _end_with(self, work: Coroutine[Any, Any, bytes]) -> None:
        self._ending = asyncio.get_running_loop().create_task(self._wait_for(work))

    async def _wait_for(self, work: Coroutine[Any, Any, bytes]) -> None:
        outcome: bytes | Exception
        try:
            outcome = await work
        except Exception as error:  # noqa: BLE001 - whoever is told sorts them
            outcome = error
        self._end(outcome)

    def _end(self, outcome: bytes | Exception) -> None:
        self._around.under_way -= 1
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(outcome)


def _tell_of(take: Callable[[bytes | Exception], None], task: asyncio.Future[bytes]) -> None:
    if task.cancelled():
        return
    error = task.exception()
    if error is None:
        take(task.result())
    elif isinstance(error, Exception):
        take(error)
