"""A subgraph behind HTTP/1.1, over connections that are kept alive.

Lean, since it is most of what a fetch costs: no redirects, cookies, compression or proxies.
"""

from __future__ import annotations

import ssl
from contextlib import aclosing
from functools import cache, lru_cache
from typing import Final
from urllib.parse import quote, urlsplit

from gateway.execution.client import (
    ACCEPT_ANSWER,
    MAX_RESPONSE_BYTES,
    Events,
    Headers,
    HeaderSink,
    SubgraphError,
    SubgraphUnavailable,
    is_json,
    refuse_status,
)
from gateway.execution.http_connection import Outcome, Tell
from gateway.execution.http_connections import ConnectionPool, Errand, Origin
from gateway.execution.http_reader import Response
from gateway.execution.streams import Streams

MAX_CONNECTIONS: Final = 100
_LATE: Final = "gave no answer in time"
_PORTS: Final = {"http": 80, "https": 443}
_HEAD: Final = (
    "POST {target} HTTP/1.1\r\n"
    "host: {host}\r\n"
    "content-type: application/json\r\n"
    f"accept: {ACCEPT_ANSWER}\r\n"
    "accept-encoding: identity\r\n"
)
_REQUEST: Final = b"%b%bcontent-length: %d\r\n\r\n%b"


class HttpSubgraphClient:
    """`SubgraphClient` over HTTP. Create and close it inside the running event loop."""

    def __init__(
        self,
        url: str,
        *,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        connections: int = MAX_CONNECTIONS,
        tls: ssl.SSLContext | None = None,
        subscription_url: str | None = None,
    ) -> None:
        """`tls` is for an `https` address whose certificate the machine's own roots do not prove;
        `subscription_url` for a subgraph whose events come from elsewhere than its answers.

        An address that is none is told when it is sent to: a supergraph may name subgraphs that
        nobody asks.
        """
        self._pool: ConnectionPool | None = None
        self._streams: Streams | None = None
        try:
            origin, self._head = _read_url(url, tls)
        except ValueError:
            return
        self._pool = ConnectionPool(origin, connections, max_response_bytes)
        self._streams = Streams(subscription_url or url, max_response_bytes, tls)

    async def send(
        self,
        body: bytes,
        headers: Headers,
        timeout: float,  # noqa: ASYNC109 - see SubgraphClient
        *,
        repeatable: bool = False,
        sink: HeaderSink | None = None,
    ) -> bytes:
        if self._pool is None:
            raise SubgraphUnavailable("has no address that can be reached")
        request = _REQUEST % (self._head, header_lines(headers), len(body), body)
        try:
            outcome = await self._pool.exchange(request, timeout, repeatable=repeatable, sink=sink)
        except TimeoutError:
            raise SubgraphUnavailable(_LATE) from None
        answer = read_outcome(outcome)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def begin(self, body: bytes, lines: bytes, timeout: float, tell: Tell) -> Errand | None:
        """Send what is repeatable, where there is a connection at hand; None where there is none.

        `lines` are headers as `header_lines` has them. `tell` is called once, later and never from
        within this call, unless the errand is aborted; `read_outcome` makes an answer of it.
        """
        if self._pool is None:
            return None
        request = _REQUEST % (self._head, lines, len(body), body)
        return self._pool.begin(request, timeout, tell)

    async def subscribe(
        self,
        body: bytes,
        headers: Headers,
        timeout: float,  # noqa: ASYNC109 - see SubgraphClient
    ) -> Events:
        if self._streams is None:
            raise SubgraphUnavailable("has no address that can be reached")
        async with aclosing(self._streams.subscribe(body, headers, timeout)) as events:
            async for event in events:
                yield event

    async def close(self) -> None:
        if self._streams is not None:
            await self._streams.close()
        if self._pool is not None:
            await self._pool.close()


def _read_url(url: str, tls: ssl.SSLContext | None) -> tuple[Origin, bytes]:
    """Where to connect to, and the part of a request's head that is always the same.

    Raises ValueError for anything but an http or https address without credentials.
    """
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme)
    if port is None or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not an address of a subgraph")
    # https://www.rfc-editor.org/rfc/rfc9110#section-7.2
    authority = parts.netloc.encode("idna").decode("ascii").rpartition("@")[2]
    query = f"?{parts.query}" if parts.query else ""
    target = quote(f"{parts.path or '/'}{query}", safe="/?%:@!$&'()*+,;=-._~")
    if parts.scheme == "https":
        tls = tls or _verified_tls()
    elif tls is not None:
        raise ValueError("http is not encrypted")
    head = _HEAD.format(target=target, host=authority)
    return Origin(parts.hostname, port, tls), head.encode("ascii")


@cache
def _verified_tls() -> ssl.SSLContext:
    """The other side proves its name. Reading the machine's roots takes long enough to keep it."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


@lru_cache(maxsize=256)
def _takes(content_type: str) -> bool:
    return is_json(content_type)


def header_lines(headers: Headers) -> bytes:
    """Raises ValueError for what would be more than these headers."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    # A line break in a value would begin a header of somebody else's making.
    if not lines.count("\r") == lines.count("\n") == len(headers) or "\0" in lines:
        raise ValueError("a header holds a line break")
    return lines.encode("latin-1")


def read_outcome(outcome: Outcome) -> bytes | SubgraphError:
    if isinstance(outcome, Response):
        if _takes(outcome.content_type):
            return outcome.body
        return refuse_status(outcome.status)
    if isinstance(outcome, SubgraphError):
        return outcome
    assert isinstance(outcome, TimeoutError), "see Outcome"
    return SubgraphUnavailable(_LATE)
