"""Ask one gateway as many times as it will answer, as a thousand users would.

A closed loop: each of the connections sends its next request when the last one is answered.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.execution.client import Headers, SubgraphError
from gateway.execution.http_client import HttpSubgraphClient

TIMEOUT: Final = 20.0


@dataclass(slots=True)
class Load:
    answered: int = 0
    failed: int = 0
    """No answer, or another one than the first."""
    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    def percentile(self, percent: int) -> float:
        """Milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[len(ordered) * percent // 100] * 1000 if ordered else float("nan")


async def ask(url: str, query: str, authorization: str = "Bearer user-0") -> Any:
    """One answer, decoded; None where there is none."""
    client = HttpSubgraphClient(url)
    try:
        return json.loads(await client.send(_body(query), _header(authorization), TIMEOUT))
    except (SubgraphError, ValueError):
        return None
    finally:
        await client.close()


async def drive(
    url: str,
    query: str,
    *,
    connections: int,
    seconds: float,
    users: Sequence[str] = ("Bearer user-0",),
    least: int = 0,
) -> Load:
    """`users` are the `Authorization` of each, who take turns.

    It lasts for as long as `seconds`, and until `least` are answered.
    """
    client = HttpSubgraphClient(url, connections=connections)
    headers = [_header(each) for each in users]
    body = _body(query)
    load = Load()
    first = await client.send(body, headers[0], TIMEOUT)
    started = time.perf_counter()

    async def one(number: int) -> None:
        while (begun := time.perf_counter()) < started + seconds or load.answered < least:
            number = (number + connections) % len(headers)
            try:
                same = await client.send(body, headers[number], TIMEOUT) == first
            except SubgraphError:
                same = False
            load.answered += 1
            load.failed += not same
            load.seconds.append(time.perf_counter() - begun)

    await asyncio.gather(*(one(number % len(headers)) for number in range(connections)))
    load.elapsed = time.perf_counter() - started
    await client.close()
    return load


def _header(authorization: str) -> Headers:
    return (("authorization", authorization),)


def _body(query: str) -> bytes:
    return json.dumps({"query": query}).encode()
