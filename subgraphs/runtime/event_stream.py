"""A subscription's answers as server-sent events: `contract.event_stream` says how."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Final

from contract.event_stream import COMPLETED, HEARTBEAT, MEDIA_TYPE, encode_next
from subgraphs.runtime.asgi import Answers, Receive, Send

HEARTBEAT_SECONDS: Final = 12.0
STALLED_SECONDS: Final = 30.0
"""How long a gateway may take nothing of what is sent, before it is given up."""


async def send_events(receive: Receive, send: Send, answers: Answers) -> None:
    """Returns when the stream has ended, whoever ended it; the request has been read whole."""
    sending = asyncio.create_task(_send_all(send, answers))
    gone = asyncio.create_task(_hung_up(receive))
    try:
        await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, gone):
            task.cancel()
        await asyncio.wait({sending, gone})
    if not sending.cancelled():
        sending.result()


async def _send_all(send: Send, answers: Answers) -> None:
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"cache-control", b"no-store"),
    ]

    async def write(data: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(STALLED_SECONDS):
            await send({"type": "http.response.body", "body": data, "more_body": more})

    async with aclosing(answers):
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await write(HEARTBEAT)
        while (answer := await _next(answers, write)) is not None:
            await write(encode_next(answer))
        await write(COMPLETED, more=False)


async def _next(answers: Answers, write: Callable[..., Awaitable[None]]) -> bytes | None:
    """The next answer, with a sign of life for each time that none has come for long."""
    following = asyncio.ensure_future(anext(answers, None))
    try:
        while not (await asyncio.wait({following}, timeout=HEARTBEAT_SECONDS))[0]:
            await write(HEARTBEAT)
        return following.result()
    finally:
        following.cancel()
        # Whatever it came to, nobody waits for it any more.
        await asyncio.gather(following, return_exceptions=True)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
