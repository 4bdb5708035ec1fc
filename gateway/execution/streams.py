"""Subscriptions to one subgraph over the network, each on a connection of its own.

http, https   server-sent events
              https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
ws, wss       graphql-transport-ws
              https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from gateway.execution.client import Events, Headers
from gateway.execution.http_stream import read_response
from gateway.execution.socket_stream import read_socket

if TYPE_CHECKING:
    import aiohttp

CONNECT_SECONDS: Final = 5.0


class Streams:
    """Connections are opened with the first subscription."""

    def __init__(
        self, url: str, max_response_bytes: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self._url = url
        self._max_response_bytes = max_response_bytes
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    def subscribe(self, body: bytes, headers: Headers, timeout: float) -> Events:
        """As `SubgraphClient.subscribe`."""
        read = read_socket if self._url.startswith(("ws:", "wss:")) else read_response
        return read(
            self._open_session(), self._url, body, headers, timeout, self._max_response_bytes
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        import aiohttp  # noqa: PLC0415 - takes long to import, and most gateways never need it

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
