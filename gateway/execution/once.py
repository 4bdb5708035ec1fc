"""One request asks each question once: who asks again gets the answer there is, or is coming.

Two fetches of a plan may turn out to be the same request; and where an answer was unusual, the
general way begins from the beginning with what has been asked already. A mutation is never taken
for another one.
"""

from __future__ import annotations

from typing import TypeAlias

from gateway.execution.execute import Exchange
from gateway.execution.joining import Joining
from gateway.operation.tree import OperationKind

Known: TypeAlias = dict[tuple[str, bytes], bytes | Exception]
"""Answers by subgraph and body; or why there is none."""


class OnceExchange:
    """An `Exchange` over another one, for one request."""

    def __init__(self, exchange: Exchange, known: Known | None = None) -> None:
        """`known` is what has been asked already."""
        self._exchange = exchange
        self._known = {} if known is None else known
        self._coming: Joining[tuple[str, bytes], bytes] = Joining()

    async def __call__(self, subgraph: str, body: bytes, kind: OperationKind) -> bytes:
        if kind is not OperationKind.QUERY:
            return await self._exchange(subgraph, body, kind)
        key = (subgraph, body)
        known = self._known.get(key)
        if isinstance(known, Exception):
            raise known
        if known is not None:
            return known
        try:
            answer = await self._coming.do(key, lambda: self._exchange(subgraph, body, kind))
        except Exception as error:
            self._known[key] = error
            raise
        self._known[key] = answer
        return answer
