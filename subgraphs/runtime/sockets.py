"""A subscription over a socket of its own: graphql-transport-ws, as `contract.transport_ws` has it.

The gateway opens one socket for one subscription. The signed context, which over HTTP is a header,
is in the payload of `connection_init` under the same name, and bound to the request that follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
import orjson

from contract.context import HEADER
from contract.transport_ws import (
    PROTOCOL,
    ClientMessage,
    Close,
    Complete,
    ConnectionAck,
    ConnectionInit,
    Error,
    Next,
    NoMessageError,
    Ping,
    Pong,
    ServerMessage,
    Subscribe,
    read_client_message,
    write_message,
)
from subgraphs.runtime.asgi import Answers, Receive, Reply, Scope, Send

INIT_SECONDS: Final = 3.0
STALLED_SECONDS: Final = 30.0
Listen: TypeAlias = Callable[[bytes, bytes | None, Scope], Awaitable[Reply | Answers]]
"""Body, context and scope in; the answers out, or the refusal."""


MessageT = TypeVar("MessageT", ConnectionInit, Subscribe)


class ClosingError(Exception):
    """Ends the socket; the reason is our own, and quotes nothing."""

    def __init__(self, code: Close, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


async def serve_socket(listen: Listen, scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    if scope["path"] != "/graphql":
        await send({"type": "websocket.close"})
        return
    wanted = PROTOCOL in scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": PROTOCOL if wanted else None})
    socket = _Socket(listen, scope, receive, send)
    try:
        if not wanted:
            raise ClosingError(Close.SUBPROTOCOL_NOT_ACCEPTABLE)  # noqa: TRY301 - as any other end
        await socket.run()
    except ClosingError as ended:
        await send({"type": "websocket.close", "code": int(ended.code), "reason": ended.reason})
    except OSError:
        # The other side has gone.
        return


class _Socket:
    def __init__(self, listen: Listen, scope: Scope, receive: Receive, send: Send) -> None:
        self._listen = listen
        self._scope = scope
        self._receive = receive
        self._send_raw = send

    async def run(self) -> None:
        try:
            async with asyncio.timeout(INIT_SECONDS):
                init = await self._expect(ConnectionInit)
        except TimeoutError:
            raise ClosingError(Close.CONNECTION_INIT_TIMEOUT) from None
        if init is None:
            return
        await self._send(ConnectionAck())
        asked = await self._expect(Subscribe)
        if asked is None:
            return
        answers = await self._listen(
            bytes(asked.payload), _context(init.payload or {}), self._scope
        )
        if isinstance(answers, Reply):
            await self._send(Error(asked.id, orjson.loads(answers.body)["errors"]))
        else:
            await self._answer(asked.id, answers)
        await self._send_raw({"type": "websocket.close", "code": int(Close.NORMAL)})

    async def _answer(self, id_: str, answers: Answers) -> None:
        """Until the events are over, or nobody listens any more."""
        sending = asyncio.create_task(self._send_all(id_, answers))
        ending = asyncio.create_task(self._heard_enough(id_))
        try:
            await asyncio.wait({sending, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, ending):
                task.cancel()
            await asyncio.wait({sending, ending})
        for task in (ending, sending):
            if not task.cancelled():
                task.result()

    async def _send_all(self, id_: str, answers: Answers) -> None:
        async with aclosing(answers):
            async for answer in answers:
                await self._send(Next(id_, msgspec.Raw(answer)))
        await self._send(Complete(id_))

    async def _heard_enough(self, id_: str) -> None:
        while (message := await self._next()) is not None:
            if message == Complete(id_):
                return
            await self._reply(message)

    async def _expect(self, kind: type[MessageT]) -> MessageT | None:
        """The next message of the protocol but for signs of life; None if the other side went."""
        while (message := await self._next()) is not None:
            if isinstance(message, kind):
                return message
            await self._reply(message)
        return None

    async def _reply(self, message: ClientMessage) -> None:
        match message:
            case Ping(payload):
                await self._send(Pong(payload))
            case ConnectionInit():
                raise ClosingError(Close.TOO_MANY_INIT_REQUESTS)
            case Subscribe():
                raise ClosingError(Close.UNAUTHORIZED)

    async def _next(self) -> ClientMessage | None:
        received = await self._receive()
        if received["type"] == "websocket.disconnect":
            return None
        try:
            return read_client_message(received.get("text") or "")
        except NoMessageError:
            raise ClosingError(Close.BAD_REQUEST) from None

    async def _send(self, message: ServerMessage) -> None:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await self._send_raw({"type": "websocket.send", "text": write_message(message)})
        except TimeoutError:
            raise ClosingError(Close.TRY_AGAIN_LATER) from None


def _context(payload: Mapping[str, Any]) -> bytes | None:
    given = payload.get(HEADER)
    return given.encode() if isinstance(given, str) else None
