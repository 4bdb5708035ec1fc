"""Queries under way, which another request may join if it would send the very same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec

from contract.access import AccessReport
from contract.context import Caller
from gateway.execution.joining import Joining

Taken: TypeAlias = tuple[bytes, AccessReport | None]
"""A subgraph's answer, and its report where it owes one."""


class Sender(msgspec.Struct, frozen=True, cache_hash=True):
    """As whom, and with what headers of the client's, subgraphs are asked."""

    caller: Caller | None
    headers: tuple[tuple[str, str], ...] = ()


Flight: TypeAlias = tuple[str, bytes, Sender, int]


class Flights(Joining[Flight, Taken]):
    """The same is: to the same subgraph, for the same caller to the last claim, with equal headers.

    Whoever has changed something since is not shown what was asked before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._changes = 0

    def change(self) -> None:
        """A mutation is sent, or has been."""
        self._changes += 1

    async def share(
        self, subgraph: str, body: bytes, sender: Sender, send: Callable[[], Awaitable[Taken]]
    ) -> Taken:
        return await self.do((subgraph, body, sender, self._changes), send)

    def board(self, subgraph: str, body: bytes, sender: Sender) -> Flight | None:
        """One that others may join, for the caller to `end`; None where one may be joined."""
        flight = (subgraph, body, sender, self._changes)
        return flight if self.begin(flight) else None
