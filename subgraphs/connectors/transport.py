"""The one way out to an upstream: everything about a call that is not its protocol.

`open_client` gives an `httpx2.AsyncClient` like any other, except that it

- runs at most `max_parallel` calls at a time and ends each within `timeout` seconds in all;
- tries an idempotent call at most twice, after a full-jitter pause that honours Retry-After;
- leaves a source alone for some seconds once it has kept failing;
- follows no redirect and sends our credentials to no other server;
- reads no more than `max_response_bytes`, decompressed, unless the call's `Manner` is a stream;
- answers only with a success of the expected media type and raises an `UpstreamError` otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import httpx2

from subgraphs.connectors.arriving import LATE, Arriving, told
from subgraphs.connectors.auth import (
    AccountGrant,
    BackendServices,
    Basic,
    Credentials,
    NoCredentials,
    StaticBearer,
)
from subgraphs.connectors.breaker import Breaker
from subgraphs.connectors.config import (
    AccountCredentials,
    BasicFile,
    BearerFile,
    SmartBackend,
    SourceConfig,
)
from subgraphs.connectors.errors import (
    ProtocolViolation,
    RateLimited,
    SourceState,
    TimedOut,
    Unavailable,
    Unreachable,
    UpstreamError,
)
from subgraphs.connectors.status import Unauthorized, check_answer

Origin: TypeAlias = tuple[str, str, int | None]
"""Scheme, host and port."""
MAX_TRIES = 2
PAUSE = 0.2
"""Seconds: the longest pause before a second try, unless the source asks for a longer one."""

# Their INFO lines hold whole URLs and their DEBUG lines our tokens.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call as it went over the wire, for metrics: no path, no parameters."""

    source: str
    state: SourceState
    seconds: float


OnCall = Callable[[Call], None]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a call differs from its client's others: the extension `manner` of its request."""

    media_types: tuple[str, ...] = ()
    """What its answer may be, instead of the client's."""
    is_stream: bool = False
    """The answer is read by who asked, as it arrives; `timeout` is for each part of it."""
    with_token: bool = True
    origins: frozenset[Origin] = frozenset()
    """Servers besides the source's own that may answer."""


_USUAL = Manner()


def open_client(
    config: SourceConfig,
    *,
    on_call: OnCall | None = None,
    network: httpx2.AsyncBaseTransport | None = None,
) -> httpx2.AsyncClient:
    """Open the client of one source; it lives as long as the process. `network` is for tests."""
    wire = network or _network(config)
    upstream = UpstreamTransport(
        wire,
        config,
        credentials=_credentials(config, network),
        media_types=config.media_types,
        on_call=on_call,
    )
    return httpx2.AsyncClient(
        base_url=config.url,
        transport=upstream,
        headers={"Accept": ", ".join(upstream.media_types)},
        timeout=_timeouts(config),
        follow_redirects=False,
    )


class UpstreamTransport(httpx2.AsyncBaseTransport):
    """Wraps a network transport with everything the module's docstring lists."""

    def __init__(
        self,
        network: httpx2.AsyncBaseTransport,
        config: SourceConfig,
        *,
        credentials: Credentials,
        media_types: tuple[str, ...],
        url: str | None = None,
        on_call: OnCall | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.media_types = media_types
        self._network = network
        self._config = config
        self._origin = origin_of(url or config.url)
        self._credentials = credentials
        self._on_call = on_call
        self._sleep = sleep
        self._slots = asyncio.Semaphore(config.max_parallel)
        self._breaker = Breaker(time.monotonic)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if origin_of(request.url) not in {self._origin, *_manner(request).origins}:
            raise ProtocolViolation("a link leads to another server")
        ends = asyncio.get_running_loop().time() + self._config.timeout
        try:
            async with asyncio.timeout_at(ends):
                return await self._try(request, ends)
        except TimeoutError:
            raise TimedOut(LATE) from None

    async def aclose(self) -> None:
        await self._network.aclose()
        await self._credentials.aclose()

    async def _try(self, request: httpx2.Request, ends: float) -> httpx2.Response:
        for tries_left in reversed(range(MAX_TRIES)):
            try:
                return await self._authorized(request, ends)
            except (Unreachable, Unavailable, RateLimited) as error:
                pause = _pause(error)
                in_time = asyncio.get_running_loop().time() + pause < ends
                if not (tries_left and in_time and is_idempotent(request)):
                    raise
            await self._sleep(pause)
        raise AssertionError("the last try returns or raises")

    async def _authorized(self, request: httpx2.Request, ends: float) -> httpx2.Response:
        """Send with credentials, and once more with new ones should they have expired."""
        header = await self._credentials.header() if _manner(request).with_token else None
        if header is None:
            return await self._send(request, ends)
        request.headers["Authorization"] = header
        try:
            return await self._send(request, ends)
        except Unauthorized:
            if not await self._credentials.renew(header):
                raise
        request.headers["Authorization"] = await self._credentials.header() or ""
        return await self._send(request, ends)

    async def _send(self, request: httpx2.Request, ends: float) -> httpx2.Response:
        self._breaker.admit()
        async with self._slots:
            started = time.monotonic()
            try:
                response = await self._read(request)
                check_answer(response, _manner(request).media_types or self.media_types)
            except UpstreamError as error:
                self._note(error, started)
                raise
            except asyncio.CancelledError:
                # By the deadline, or by a caller who has gone: that says nothing of the source.
                if asyncio.get_running_loop().time() >= ends:
                    self._note(TimedOut(LATE), started)
                raise
            self._note(None, started)
        return response

    def _note(self, outcome: UpstreamError | None, started: float) -> None:
        self._breaker.note(outcome, started=started)
        if self._on_call is not None:
            state = SourceState.OK if outcome is None else outcome.state
            self._on_call(Call(self._config.id, state, time.monotonic() - started))

    async def _read(self, request: httpx2.Request) -> httpx2.Response:
        """Send and read it all; what httpx2 raises quotes the URL, hence `from None`."""
        try:
            response = await self._network.handle_async_request(request)
            headers = [(k, v) for k, v in response.headers.raw if k.lower() not in _ENCODED]
            if _manner(request).is_stream and response.is_success:
                arriving = Arriving(response, self._config.timeout)
                return httpx2.Response(response.status_code, headers=headers, stream=arriving)
            try:
                body = await self._body(response)
            finally:
                await response.aclose()
        except httpx2.HTTPError as error:
            raise told(error) from None
        return httpx2.Response(response.status_code, headers=headers, content=body)

    async def _body(self, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._config.max_response_bytes:
                raise ProtocolViolation("the source's answer is larger than allowed")
        return bytes(body)


def is_idempotent(request: httpx2.Request) -> bool:
    """A search by POST is a read; whoever posts another read says so with the extension."""
    reads = request.method in {"GET", "HEAD"} or request.url.path.endswith("/_search")
    return reads or bool(request.extensions.get("idempotent"))


def origin_of(url: httpx2.URL | str) -> Origin:
    url = httpx2.URL(url)
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default


def _manner(request: httpx2.Request) -> Manner:
    manner = request.extensions.get("manner", _USUAL)
    assert isinstance(manner, Manner)
    return manner


_ENCODED = {b"content-encoding", b"content-length", b"transfer-encoding"}


def _pause(error: UpstreamError) -> float:
    jitter = random.uniform(0, PAUSE)  # noqa: S311 - spreads load, protects nothing
    return max(jitter, error.retry_after or 0)


def _network(config: SourceConfig) -> httpx2.AsyncBaseTransport:
    size = config.max_parallel
    limits = httpx2.Limits(max_connections=size, max_keepalive_connections=size)
    return httpx2.AsyncHTTPTransport(limits=limits)


def _timeouts(config: SourceConfig) -> httpx2.Timeout:
    connect = min(config.connect_timeout, config.timeout)
    return httpx2.Timeout(config.timeout, connect=connect)


def _credentials(config: SourceConfig, network: httpx2.AsyncBaseTransport | None) -> Credentials:
    auth = config.auth
    if isinstance(auth, BearerFile):
        return StaticBearer(auth)
    if isinstance(auth, BasicFile):
        return Basic(auth)
    if not isinstance(auth, SmartBackend | AccountCredentials):
        return NoCredentials()
    token_endpoint = UpstreamTransport(
        network or _network(config),
        config,
        credentials=NoCredentials(),
        media_types=("application/json",),
        url=auth.token_url,
    )
    client = httpx2.AsyncClient(transport=token_endpoint, timeout=_timeouts(config))
    if isinstance(auth, AccountCredentials):
        return AccountGrant(auth, client)
    return BackendServices(auth, client)
