"""The events of a subscription: listened to, completed, and ended in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from gateway.engine import Answer, Engine, Subscription
from gateway.errors import GatewayError
from gateway.exchange import RequestExchange
from gateway.execution.client import SubgraphError

T = TypeVar("T")


class Ending:
    """Why a stream has to end before its source does; whoever waits for the source is told."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._reason: asyncio.Future[GatewayError] = asyncio.get_running_loop().create_future()
        self._timer: asyncio.TimerHandle | None = None

    def end(self, reason: GatewayError) -> None:
        if not self._reason.done():
            self._reason.set_result(reason)

    def end_at(self, at: float, reason: GatewayError) -> None:
        """`at` is in seconds since 1970."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, at - self._clock()), self.end, reason)

    def cancel(self) -> None:
        """Nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._reason.cancel()

    async def before(self, awaited: Coroutine[Any, Any, T]) -> T:
        """What is awaited, unless the end comes first: then its reason is raised."""
        task = asyncio.ensure_future(awaited)
        try:
            waiting: set[asyncio.Future[Any]] = {task, self._reason}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if self._reason.done():
                raise self._reason.result()
            return task.result()
        finally:
            task.cancel()
            # Whatever it came to, nobody waits for it any more.
            await asyncio.gather(task, return_exceptions=True)


async def answer_events(
    engine: Engine,
    subscription: Subscription,
    exchange: RequestExchange,
    ending: Ending,
    check: Callable[[], Awaitable[None]],
) -> AsyncGenerator[tuple[Answer, RequestExchange], None]:
    """Each event's answer, with the conversation it took; `check` raises what forbids the next.

    A subgraph that fails is told as an event's answer would tell it, and ends the stream.
    """
    if subscription.source is None:
        yield await engine.answer_event(subscription, None, exchange), exchange
        return
    async with aclosing(exchange.listen(*subscription.source)) as arriving:
        while True:
            try:
                arrived = await ending.before(_next(arriving))
            except SubgraphError as error:
                yield await engine.answer_event(subscription, error, exchange), exchange
                return
            if arrived is None:
                return
            event, conversation = arrived
            await check()
            yield await engine.answer_event(subscription, event, conversation), conversation


async def _next(arriving: AsyncGenerator[T, None]) -> T | None:
    return await anext(arriving, None)
