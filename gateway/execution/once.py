"""One request asks each question once: who asks again gets the answer there is, or is coming.

Two fetches of a plan may turn out to be the same request; and where an answer was unusual, the
general way begins from the beginning with what has been asked already. A mutation is never taken
for another one.
"""

from __future__ import annotations

import asyncio

from gateway.execution.execute import Exchange
from gateway.operation.tree import OperationKind


class OnceExchange:
    """An `Exchange` over another one, for one request."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._known: dict[tuple[str, bytes], bytes | Exception] = {}
        self._coming: dict[tuple[str, bytes], list[asyncio.Future[None]]] = {}
        """Who waits for an answer beside the one who asked."""

    async def __call__(self, subgraph: str, body: bytes, kind: OperationKind) -> bytes:
        if kind is not OperationKind.QUERY:
            return await self._exchange(subgraph, body, kind)
        key = (subgraph, body)
        if key not in self._known:
            if key not in self._coming:
                return await self._ask(key, kind)
            waiting = asyncio.get_running_loop().create_future()
            self._coming[key].append(waiting)
            await waiting
        known = self._known[key]
        if isinstance(known, Exception):
            raise known
        return known

    async def _ask(self, key: tuple[str, bytes], kind: OperationKind) -> bytes:
        waiting = self._coming[key] = []
        try:
            answer = self._known[key] = await self._exchange(*key, kind)
        except Exception as error:
            self._known[key] = error
            raise
        finally:
            del self._coming[key]
            for each in waiting:
                # Where the request is given up there is no answer, and nobody left to want one.
                if not each.done():
                    each.set_result(None) if key in self._known else each.cancel()
        return answer
