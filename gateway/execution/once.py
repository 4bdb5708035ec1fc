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
        self._asked: dict[tuple[str, bytes], bytes | Exception | asyncio.Future[None]] = {}

    async def __call__(self, subgraph: str, body: bytes, kind: OperationKind) -> bytes:
        if kind is not OperationKind.QUERY:
            return await self._exchange(subgraph, body, kind)
        key = (subgraph, body)
        known = self._asked.get(key)
        if known is None:
            return await self._ask(key, kind)
        if isinstance(known, asyncio.Future):
            await known
            known = self._asked[key]
        if isinstance(known, Exception):
            raise known
        assert isinstance(known, bytes), "it has come"
        return known

    async def _ask(self, key: tuple[str, bytes], kind: OperationKind) -> bytes:
        self._asked[key] = coming = asyncio.get_running_loop().create_future()
        try:
            answer = self._asked[key] = await self._exchange(*key, kind)
        except Exception as error:
            self._asked[key] = error
            raise
        except BaseException:
            # The request is given up, and with it whoever waits.
            coming.cancel()
            raise
        finally:
            if not coming.done():
                coming.set_result(None)
        return answer
