"""A subgraph in this process: its ASGI application is called directly, with no socket between.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from contract.event_stream import MEDIA_TYPE
from gateway.execution.client import (
    ACCEPT_ANSWER,
    MAX_RESPONSE_BYTES,
    Events,
    Headers,
    HeaderSink,
    SubgraphInvalidResponse,
    SubgraphUnavailable,
    is_json,
    refuse_status,
)
from gateway.execution.direct_stream import AsgiApp, DirectStream, Message
from gateway.execution.event_streams import read_events


class DirectSubgraphClient:
    """`SubgraphClient` over an ASGI application, whose lifespan is somebody else's business."""

    def __init__(
        self,
        app: AsgiApp,
        *,
        path: str = "/graphql",
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        self._app = app
        self._path = path
        self._max_response_bytes = max_response_bytes

    async def send(
        self,
        body: bytes,
        headers: Headers,
        timeout: float,  # noqa: ASYNC109 - see SubgraphClient
        *,
        repeatable: bool = False,  # noqa: ARG002 - a call does not get lost on its way
        sink: HeaderSink | None = None,
    ) -> bytes:
        exchange = _AsgiExchange(body, self._max_response_bytes, sink)
        try:
            async with asyncio.timeout(timeout):
                await self._app(self._scope(body, headers), exchange.receive, exchange.send)
        except TimeoutError:
            raise SubgraphUnavailable("gave no answer in time") from None
        except SubgraphInvalidResponse:
            raise
        except Exception as error:  # noqa: BLE001 - it stands for the status of 500 over HTTP
            raise SubgraphUnavailable(f"failed with {type(error).__name__}") from None
        return exchange.answer()

    async def subscribe(
        self,
        body: bytes,
        headers: Headers,
        timeout: float,  # noqa: ASYNC109 - see SubgraphClient
    ) -> Events:
        async with DirectStream(self._app, self._scope(body, headers, MEDIA_TYPE), body) as stream:
            await stream.begin(timeout)
            if not stream.is_events:
                # Refused before it began: an answer like any other.
                yield await stream.answer(self._max_response_bytes)
                return
            async with aclosing(read_events(stream.chunks(), self._max_response_bytes)) as events:
                async for event in events:
                    yield event

    async def close(self) -> None:
        """Nothing is held."""

    def _scope(self, body: bytes, headers: Headers, accept: str = ACCEPT_ANSWER) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self._path,
            "raw_path": self._path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [
                (b"host", b"subgraph.local"),
                (b"content-type", b"application/json"),
                (b"accept", accept.encode()),
                (b"content-length", str(len(body)).encode()),
                *((name.lower().encode(), value.encode()) for name, value in headers),
            ],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 0),
            "state": {},
        }


class _AsgiExchange:
    """One request's two callables, and what they saw."""

    def __init__(self, body: bytes, limit: int, sink: HeaderSink | None) -> None:
        self._body: bytes | None = body
        self._sink = sink
        self._limit = limit
        self._status = 0
        self._content_type = ""
        self._chunks: list[bytes] = []
        self._size = 0
        self._complete = False

    async def receive(self) -> Message:
        if self._body is None:
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = dict(message.get("headers", ()))
            self._content_type = headers.get(b"content-type", b"").decode("latin-1")
            if self._sink is not None:
                for name, value in message.get("headers", ()):
                    self._sink.offer(name.lower(), value)
        elif message["type"] == "http.response.body":
            chunk = message.get("body", b"")
            self._size += len(chunk)
            if self._size > self._limit:
                raise SubgraphInvalidResponse("its answer is larger than we take")
            self._chunks.append(chunk)
            self._complete = not message.get("more_body", False)

    def answer(self) -> bytes:
        if not self._complete:
            raise SubgraphUnavailable("broke off in the middle of its answer")
        if not is_json(self._content_type):
            raise refuse_status(self._status)
        return b"".join(self._chunks)
