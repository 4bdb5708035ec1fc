"""Leave a source alone for a while once it has kept failing, so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable

from subgraphs.connectors.errors import (
    CircuitOpen,
    TimedOut,
    Unavailable,
    Unreachable,
    UpstreamError,
)

FAILURES = 3
LASTING = 2.0
"""Seconds. Many calls of one moment may fail together; the circuit opens only if it goes on."""
REST = 5.0
"""Seconds until one call may try whether the source is back."""


class Breaker:
    """One per source. What counts is that it fails to answer, not that it answers with a no."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failures = 0
        self._failing_since = 0.0
        self._rests_until = 0.0

    def admit(self) -> None:
        """Raise `CircuitOpen` where the source is to be left alone."""
        now = self._now()
        if self._failures < FAILURES or now - self._failing_since < LASTING:
            return
        if now < self._rests_until:
            raise CircuitOpen("the source keeps failing", retry_after=self._rests_until - now)
        # This call tries; the others go on waiting for what comes of it.
        self._rests_until = now + REST

    def note(self, error: UpstreamError | None, *, started: float) -> None:
        """What came of a call that began at `started`."""
        if not isinstance(error, TimedOut | Unavailable | Unreachable):
            self._failures = 0
            return
        if self._failures == 0:
            self._failing_since = started
        self._failures += 1
        self._rests_until = self._now() + REST
