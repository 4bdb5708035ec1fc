"""Where requests are paid for: from their client's budget, and from everyone's together."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec

from contract.errors import Code
from gateway.bounds import Bucket, Budget
from gateway.cache.lru import LruCache
from gateway.demand.buckets import Buckets, Draw, Drawn
from gateway.errors import BusyError

BLOCKED: Final = 10_000
"""Clients that are remembered to have sent too many requests."""
DIGEST_BYTES: Final = 16
_EVERYONE: Final = "all"


class Account(msgspec.Struct, frozen=True):
    """Whose budget a request is paid from."""

    client: str
    """The `client_id` of its token."""
    budget: Budget


@dataclass(frozen=True, slots=True)
class Throttle:
    """What a client has left after a request, in points."""

    maximum: int
    available: float
    restore_rate: float

    def render(self, refunded: int = 0) -> dict[str, Any]:
        available = min(self.maximum, self.available + refunded)
        return {
            "maximumAvailable": self.maximum,
            "currentlyAvailable": max(0, math.floor(available)),
            "restoreRate": self.restore_rate,
        }


class Till:
    def __init__(
        self,
        buckets: Buckets,
        everyone: Budget,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`everyone` is the budget of all clients together."""
        self._buckets = buckets
        self._everyone = everyone
        self._blocked: LruCache[str, float] = LruCache(BLOCKED, clock=clock)
        """Until when a client's requests are refused without asking the buckets."""
        self._clock = clock
        self._behind: set[asyncio.Task[object]] = set()

    def charges(self, account: Account) -> bool:
        return bool(account.budget) or bool(self._everyone)

    def most(self, account: Account) -> int | None:
        """What the smallest bucket of points holds when it is full: more is never to be had."""
        buckets = (account.budget.points, self._everyone.points)
        return min((each.maximum for each in buckets if each is not None), default=None)

    def enter(self, account: Account) -> None:
        """Raises `BusyError` for a client that is known to have sent too many requests.

        Asked before anything is parsed: whoever floods us must not cost us more than this.
        """
        until = self._blocked.get(account.client)
        if until is not None:
            raise _busy(Code.RATE_LIMITED, until - self._clock())

    async def pay(self, account: Account, points: int) -> Throttle | None:
        """Raises `BusyError`; then nothing is paid."""
        draws = list(self._draws(account, points, requests=1))
        drawn = await self._buckets.draw(draws)
        throttle = self._throttle(account, draws, drawn)
        if drawn.short is None:
            return throttle
        if draws[drawn.short].name.startswith("requests:"):
            self._block(account, drawn.wait)
            raise _busy(Code.RATE_LIMITED, drawn.wait)
        cost: dict[str, Any] = {"requestedQueryCost": points}
        if throttle is not None:
            cost["throttleStatus"] = throttle.render()
        raise _busy(Code.BUDGET_EXCEEDED, drawn.wait, cost=cost)

    def count(self, account: Account) -> None:
        """A request that was refused before it had a price: it still was one."""
        if not self.charges(account):
            return
        self._send(self._count(account))

    def refund(self, account: Account, points: int) -> None:
        """Give back what was estimated and not spent, or take what was spent beyond it."""
        draws = list(self._draws(account, -points, requests=0))
        self._send(self._buckets.draw(draws, force=True))

    async def close(self) -> None:
        await asyncio.gather(*self._behind, return_exceptions=True)

    def _send(self, drawing: Coroutine[Any, Any, object]) -> None:
        """In the background: nobody's answer waits for it."""
        task = asyncio.create_task(drawing)
        self._behind.add(task)
        task.add_done_callback(self._behind.discard)

    async def _count(self, account: Account) -> None:
        drawn = await self._buckets.draw(list(self._draws(account, 0, requests=1)))
        if drawn.short is not None:
            self._block(account, drawn.wait)

    def _block(self, account: Account, seconds: float) -> None:
        self._blocked.put(account.client, self._clock() + seconds, seconds=seconds)

    def _draws(self, account: Account, points: int, *, requests: int) -> Iterator[Draw]:
        name = _digest(account.client)
        for whose, budget in ((name, account.budget), (_EVERYONE, self._everyone)):
            if budget.points is not None:
                yield Draw(f"points:{whose}", budget.points, points)
            if budget.requests is not None and requests:
                yield Draw(f"requests:{whose}", budget.requests, requests)

    def _throttle(self, account: Account, draws: list[Draw], drawn: Drawn) -> Throttle | None:
        bucket: Bucket | None = account.budget.points
        if bucket is None:
            return None
        own = f"points:{_digest(account.client)}"
        for draw, level in zip(draws, drawn.levels, strict=True):
            if draw.name == own:
                return Throttle(bucket.maximum, level, bucket.restore_rate)
        return None


def _busy(code: Code, wait: float, **extensions: Any) -> BusyError:
    error = BusyError(code, extensions={**extensions, "retryAfter": max(1, math.ceil(wait))})
    error.retry_after = max(1, math.ceil(wait))
    return error


@lru_cache(maxsize=BLOCKED)
def _digest(client: str) -> str:
    """A client's id may be anything, and so it stands in no key."""
    return hashlib.blake2b(client.encode(), digest_size=DIGEST_BYTES).hexdigest()
