"""A server that leaves the last word to whoever runs it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import uvicorn
from uvicorn.server import HANDLED_SIGNALS


class UnwindingServer(uvicorn.Server):
    """Ends on a signal and leaves it at that.

    uvicorn's own raises the signal again once it is done serving, which would end the process
    before its stores are closed.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {each: signal.signal(each, self.handle_exit) for each in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
