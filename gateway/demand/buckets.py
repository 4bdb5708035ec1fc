"""Leaky buckets: what is taken out comes back at a steady rate, up to a maximum.

Buckets in this process, and the protocol of those that a fleet shares.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.bounds import Bucket
from gateway.cache.lru import LruCache

KEPT: Final = 10_000
"""Buckets; one that was pushed out is full again when it is next asked for."""


@dataclass(frozen=True, slots=True)
class Draw:
    name: str
    """Of the bucket: our own words and digests, never what a client sent."""
    bucket: Bucket
    amount: float
    """Put back, where it is less than nothing."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What came of drawing on several buckets, of which all give or none."""

    levels: tuple[float, ...]
    """What each holds now."""
    short: int | None = None
    """Which one has not enough: of several, the one that takes longest."""
    wait: float = 0.0
    """Seconds until it has."""


class Buckets(Protocol):
    async def draw(self, draws: Sequence[Draw], *, force: bool = False) -> Drawn:
        """With `force` the buckets give what they do not have: it has been spent already."""
        ...


class LocalBuckets:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._levels: LruCache[str, tuple[float, float]] = LruCache(KEPT)
        """Level, and when it was that."""

    async def draw(self, draws: Sequence[Draw], *, force: bool = False) -> Drawn:
        now = self._clock()
        levels = [self._level(draw, now) for draw in draws]
        waits = [
            (draw.amount - level) / draw.bucket.restore_rate
            for draw, level in zip(draws, levels, strict=True)
        ]
        longest = max(waits, default=0.0)
        if longest > 0 and not force:
            return Drawn(tuple(levels), waits.index(longest), longest)
        for index, draw in enumerate(draws):
            levels[index] = min(draw.bucket.maximum, levels[index] - draw.amount)
            self._levels.put(draw.name, (levels[index], now))
        return Drawn(tuple(levels))

    def _level(self, draw: Draw, now: float) -> float:
        known = self._levels.get(draw.name)
        if known is None:
            return draw.bucket.maximum
        level, at = known
        return min(draw.bucket.maximum, level + (now - at) * draw.bucket.restore_rate)
