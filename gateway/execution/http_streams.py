"""Subscriptions to a subgraph over HTTP, as server-sent events, one response for each.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import aclosing
from typing import TYPE_CHECKING

from contract.event_stream import MEDIA_TYPE
from gateway.execution.client import (
    ACCEPT_ANSWER,
    Events,
    Headers,
    SubgraphError,
    SubgraphInvalidResponse,
    SubgraphUnavailable,
    is_json,
    refuse_status,
)
from gateway.execution.event_streams import read_events

if TYPE_CHECKING:
    import aiohttp

CONNECT_SECONDS = 5.0


class HttpStreams:
    """The subscriptions to one subgraph; its connections are opened with the first of them."""

    def __init__(
        self, url: str, max_response_bytes: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self._url = url
        self._max_response_bytes = max_response_bytes
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def subscribe(
        self,
        body: bytes,
        headers: Headers,
        timeout: float,  # noqa: ASYNC109 - see SubgraphClient
    ) -> Events:
        import aiohttp  # noqa: PLC0415 - takes long to import, and most gateways never need it

        request = self._open_session().post(
            self._url,
            data=body,
            headers=[
                ("content-type", "application/json"),
                ("accept", f"{MEDIA_TYPE}, {ACCEPT_ANSWER}"),
                ("accept-encoding", "identity"),
                *headers,
            ],
            allow_redirects=False,
        )
        try:
            async with asyncio.timeout(timeout):
                response = await request
        except TimeoutError:
            raise SubgraphUnavailable("gave no answer in time") from None
        except (aiohttp.ClientError, ValueError):
            raise SubgraphUnavailable("cannot be reached") from None
        try:
            async with aclosing(self._read(response)) as events:
                async for event in events:
                    yield event
        except (aiohttp.ClientError, TimeoutError):
            raise SubgraphUnavailable("broke off in the middle of its events") from None
        finally:
            # Closes the connection, which is how a subgraph learns that nobody listens.
            response.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _read(self, response: aiohttp.ClientResponse) -> Events:
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type == MEDIA_TYPE:
            chunks = response.content.iter_any()
            async with aclosing(read_events(chunks, self._max_response_bytes)) as events:
                async for event in events:
                    yield event
        elif is_json(media_type):
            # Refused before it began: an answer like any other.
            yield await self._read_answer(response)
        else:
            raise _refused(response.status)

    async def _read_answer(self, response: aiohttp.ClientResponse) -> bytes:
        body = b""
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._max_response_bytes:
                raise SubgraphInvalidResponse("its answer is larger than we take")
        return body

    def _open_session(self) -> aiohttp.ClientSession:
        import aiohttp  # noqa: PLC0415 - see above

        if self._session is None:
            # No limit of connections: subscriptions are bounded where clients open them.
            connector = aiohttp.TCPConnector(limit=0, ssl=self._tls or True)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


def _refused(status: int) -> SubgraphError:
    if status == 200:  # noqa: PLR2004 - it took the request, and answers what nobody asked for
        return SubgraphInvalidResponse("its answer is neither events nor JSON")
    return refuse_status(status)
