"""One subscription over a WebSocket of its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from contract.transport_ws import (
    PROTOCOL,
    ClientMessage,
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
    read_server_message,
    write_message,
)
from gateway.execution.client import (
    Events,
    Headers,
    SubgraphInvalidResponse,
    SubgraphUnavailable,
)
from gateway.execution.wire import encode

if TYPE_CHECKING:
    import aiohttp

_ID: Final = "1"
CLOSE_SECONDS: Final = 2.0


async def read_socket(
    session: aiohttp.ClientSession,
    url: str,
    body: bytes,
    headers: Headers,
    timeout: float,  # noqa: ASYNC109 - see SubgraphClient
    max_bytes: int,
) -> Events:
    """Raises SubgraphError.

    Headers travel in the first message's payload as well, where servers look for them.
    """
    import aiohttp  # noqa: PLC0415 - see `streams`

    try:
        async with asyncio.timeout(timeout):
            socket = await session.ws_connect(
                url,
                protocols=(PROTOCOL,),
                headers=list(headers),
                max_msg_size=max_bytes,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
            )
            stream = _Stream(socket)
            await stream.begin(body, headers)
    except TimeoutError:
        raise SubgraphUnavailable("gave no answer in time") from None
    except (aiohttp.ClientError, ValueError):
        raise SubgraphUnavailable("cannot be reached") from None
    try:
        while (event := await stream.next()) is not None:
            yield event
    except (aiohttp.ClientError, OSError):
        raise SubgraphUnavailable("broke off in the middle of its events") from None
    finally:
        await stream.end()


class _Stream:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._over = False

    async def begin(self, body: bytes, headers: Headers) -> None:
        try:
            await self._send(ConnectionInit(dict(headers)))
            await self._acknowledged()
            await self._send(Subscribe(_ID, msgspec.Raw(body)))
        except BaseException:
            await self._socket.close()
            raise

    async def _acknowledged(self) -> None:
        while not isinstance(message := await self._read(), ConnectionAck):
            if not isinstance(message, Ping | Pong):
                raise SubgraphInvalidResponse("speaks before it has been greeted")

    async def next(self) -> bytes | None:
        """The next event; None when they are over."""
        while not self._over:
            match await self._read():
                case Next(payload=payload):
                    return bytes(payload)
                case Error(payload=errors):
                    # It ends the operation, and the server will say nothing more.
                    self._over = True
                    return encode({"errors": errors})
                case Complete():
                    self._over = True
        return None

    async def end(self) -> None:
        if not self._over:
            with suppress(OSError):
                await self._send(Complete(_ID))
        await self._socket.close()

    async def _read(self) -> ServerMessage:
        """Raises SubgraphUnavailable where there is none, for the socket is closed."""
        import aiohttp  # noqa: PLC0415 - see `streams`

        received = await self._socket.receive()
        if received.type is not aiohttp.WSMsgType.TEXT:
            raise SubgraphUnavailable("closed the socket of its events")
        try:
            message = read_server_message(received.data)
        except NoMessageError:
            raise SubgraphInvalidResponse("says what is not in the protocol") from None
        if isinstance(message, Ping):
            await self._send(Pong(message.payload))
        return message

    async def _send(self, message: ClientMessage) -> None:
        await self._socket.send_str(write_message(message))
