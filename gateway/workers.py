"""Several processes behind one port: each a gateway of its own, kept up by one that serves nobody.

They share nothing but what the settings name, Redis and the database. Each listens on a socket of
its own (`SO_REUSEPORT`), and only once it is ready, so the kernel hands connections to those alone
that can answer them.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from gateway.telemetry import log

Work: TypeAlias = Callable[[int, socket.socket], int]
"""Serves on the socket until a signal ends it; the worker's number, and its exit status."""

Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
UNSTARTED: Final = 3
"""uvicorn's exit status of a worker that could not start: another one could not either."""
RESTART_SECONDS: Final = 1.0
"""Between two starts of one worker, at least."""
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class PortTakenError(Exception):
    """Somebody else has the address, or nobody can have it."""


def run_workers(count: int, host: str, port: int, work: Work) -> int:
    """Returns once all have ended; raises `PortTakenError`.

    What this process is told by a signal it tells every worker. One that dies is replaced.
    """
    with _reserved(host, port) as address:
        return _Workers(count, lambda number: work(number, _bound(address))).run()


class _Workers:
    def __init__(self, count: int, work: Callable[[int], int]) -> None:
        self._work = work
        self._count = count
        self._numbers: dict[int, int] = {}
        """Of those that run, by their process ids."""
        self._started = [float("-inf")] * count
        self._ending = False
        self._alive, self._kept_open = os.pipe()

    def run(self) -> int:
        # What is there now is shared with the workers as long as nobody writes to it.
        gc.freeze()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: self._end())
        signal.signal(signal.SIGHUP, lambda *_: self._tell(signal.SIGHUP))
        for number in range(self._count):
            self._start(number)
        status = 0
        while self._numbers:
            process, ended = os.waitpid(-1, 0)
            number = self._numbers.pop(process)
            if self._ending:
                continue
            if os.waitstatus_to_exitcode(ended) == UNSTARTED:
                status = UNSTARTED
                self._end()
            else:
                log.error("worker_died", process=process, status=os.waitstatus_to_exitcode(ended))
                self._start(number)
        return status

    def _start(self, number: int) -> None:
        time.sleep(max(0.0, self._started[number] + RESTART_SECONDS - time.monotonic()))
        self._started[number] = time.monotonic()
        # A signal must not find the child with its parent's handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        process = os.fork()
        if process == 0:
            self._become_worker(number)
        self._numbers[process] = number
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        if self._ending:
            self._tell(signal.SIGTERM)

    def _become_worker(self, number: int) -> None:
        status = UNSTARTED
        try:
            for each in _SIGNALS:
                signal.signal(each, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            os.close(self._kept_open)
            threading.Thread(target=self._end_with_parent, daemon=True).start()
            status = self._work(number)
        finally:
            os._exit(status)

    def _end_with_parent(self) -> None:
        """Nobody writes to the pipe: it ends when the parent does, however that comes about."""
        os.read(self._alive, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _end(self) -> None:
        self._ending = True
        self._tell(signal.SIGTERM)

    def _tell(self, what: signal.Signals) -> None:
        for process in self._numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, what)


@contextlib.contextmanager
def _reserved(host: str, port: int) -> Iterator[Address]:
    """The address stays ours while no worker is there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # With ports that are shared, two gateways would share one without a word.
        with socket.create_server((host, port), family=family) as alone:
            address = alone.getsockname()
        kept = _bound(address)
    except OSError as error:
        raise PortTakenError(f"{host}, port {port}: {error.strerror}") from None
    with kept:
        yield address


def _bound(address: Address) -> socket.socket:
    """Not listening: that begins when a worker can answer."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(address)
    return bound
