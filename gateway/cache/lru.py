"""A bounded cache in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

_NEVER: Final = float("inf")
K = TypeVar("K")
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """Keeps the most recently used entries, each for at most its own time.

    `weight` bounds the sum of what is kept where entries differ much in size.
    """

    def __init__(
        self,
        entries: int,
        *,
        weight: float = _NEVER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries = entries
        self._weight = weight
        self._clock = clock
        self._kept: OrderedDict[K, tuple[float, float, V]] = OrderedDict()
        self._total = 0.0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        found = self._kept.get(key)
        if found is None:
            return None
        expires, _, value = found
        if expires != _NEVER and expires <= self._clock():
            self.drop(key)
            return None
        self._kept.move_to_end(key)
        return value

    def put(self, key: K, value: V, *, seconds: float = _NEVER, weight: float = 0.0) -> None:
        self.drop(key)
        if weight > self._weight:
            # It would push out all others, and then itself.
            return
        self._kept[key] = (self._clock() + seconds, weight, value)
        self._total += weight
        while self._kept and (len(self._kept) > self._entries or self._total > self._weight):
            self.drop(next(iter(self._kept)))

    def drop(self, key: K) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._total -= found[1]
