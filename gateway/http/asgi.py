"""What an ASGI application is called with, and what every handler reads of it.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from contract.errors import Code
from gateway.errors import BusyError
from gateway.settings import LOOPBACK

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]
Named: TypeAlias = Mapping[bytes, bytes]


def by_name(headers: Headers) -> Named:
    """The first of each name, where a client sends several."""
    return dict(reversed(headers))


def header(headers: Named, name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def names_loopback(host: str | None) -> bool:
    name = (host or "").rpartition(":")[0] or host or ""
    return name.strip("[]") in LOOPBACK


class Places:
    """So many at once, and no more."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.taken = 0

    @property
    def full(self) -> bool:
        return self.taken >= self._limit

    @contextmanager
    def one(self) -> Iterator[None]:
        """Raises `BusyError` when all are taken."""
        if self.full:
            raise BusyError(Code.OVERLOADED)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


def propagated(headers: Headers, names: Collection[bytes]) -> tuple[tuple[str, str], ...]:
    """Those headers of a client that subgraphs are sent too."""
    if not names:
        return ()
    return tuple(
        [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in headers
            if name in names
        ]
    )
