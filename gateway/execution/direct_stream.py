"""One request to an ASGI application in this process whose response is read while it is written.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from contract.event_stream import MEDIA_TYPE
from gateway.execution.client import (
    SubgraphInvalidResponse,
    SubgraphUnavailable,
    is_json,
    refuse_status,
)

Message: TypeAlias = MutableMapping[str, Any]
AsgiApp: TypeAlias = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[Message]],
        Callable[[Message], Awaitable[None]],
    ],
    Awaitable[None],
]
CHUNKS_AHEAD: Final = 16
"""How far the application may write ahead of its reader; then it waits, as for a full socket."""


class DirectStream:
    """Leaving it is hanging up: the application is told, and cancelled if it does not listen."""

    def __init__(self, app: AsgiApp, scope: Message, body: bytes) -> None:
        self._app, self._scope = app, scope
        self._body: bytes | None = body
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(CHUNKS_AHEAD)
        self._begun = asyncio.Event()
        self._hung_up = asyncio.Event()
        self._complete = False
        self._status = 0
        self._content_type = ""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._hung_up.set()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    @property
    def is_events(self) -> bool:
        return self._content_type.partition(";")[0].strip().lower() == MEDIA_TYPE

    async def begin(self, timeout: float) -> None:  # noqa: ASYNC109 - see SubgraphClient
        """Raises SubgraphError where no response begins."""
        try:
            async with asyncio.timeout(timeout):
                await self._begun.wait()
        except TimeoutError:
            raise SubgraphUnavailable("gave no answer in time") from None
        if not self._status:
            raise SubgraphUnavailable("failed before it answered")

    async def chunks(self) -> AsyncIterator[bytes]:
        while (chunk := await self._chunks.get()) is not None:
            yield chunk

    async def answer(self, limit: int) -> bytes:
        """The body, if it is a GraphQL answer. Raises SubgraphError."""
        body = b""
        async for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                raise SubgraphInvalidResponse("its answer is larger than we take")
        if not self._complete:
            raise SubgraphUnavailable("broke off in the middle of its answer")
        if not is_json(self._content_type):
            raise refuse_status(self._status)
        return body

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
        except Exception:  # noqa: BLE001, S110 - the response that is not complete tells it
            pass
        finally:
            self._begun.set()
        await self._chunks.put(None)

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._hung_up.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = dict(message.get("headers", ()))
            self._content_type = headers.get(b"content-type", b"").decode("latin-1")
            self._begun.set()
        elif message["type"] == "http.response.body":
            if message.get("body"):
                await self._chunks.put(message["body"])
            self._complete = not message.get("more_body", False)
