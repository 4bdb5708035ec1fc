"""What every connector owes its caller, whatever it speaks.

A connector's test class inherits `ConnectorContract` and says how to ask and what a good answer is.
"""

from __future__ import annotations

import logging
import traceback
from abc import ABC, abstractmethod

import httpx2
import msgspec
import pytest

from chartgraph.testing.scripted import HANGS, Script, Scripted
from subgraphs.connectors import transport
from subgraphs.connectors.config import SourceConfig
from subgraphs.connectors.errors import (
    ProtocolViolation,
    RateLimited,
    Refused,
    Rejected,
    SourceState,
    TimedOut,
    Unavailable,
    Unreachable,
    UpstreamError,
)

PHI = "Lovelace"
"""Stands in every request and answer of these tests and must come out nowhere else."""


class ConnectorContract(ABC):
    tries = 2
    """How often what it asks may be sent: once, where it changes something."""

    @abstractmethod
    def config(self) -> SourceConfig: ...

    @abstractmethod
    def good(self) -> httpx2.Response:
        """An answer the connector accepts, holding `PHI`."""

    @abstractmethod
    async def ask(self, client: httpx2.AsyncClient) -> object:
        """Ask for something whose parameters hold `PHI`."""

    @pytest.fixture(autouse=True)
    def _no_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transport, "PAUSE", 0)

    async def asked(self, *script: Script, **settings: object) -> object:
        self.server = Scripted(script)
        config = msgspec.structs.replace(self.config(), **settings)
        async with transport.open_client(config, network=self.server) as client:
            return await self.ask(client)

    async def test_gives_what_the_source_answers(self) -> None:
        assert await self.asked(self.good())

    @pytest.mark.parametrize(
        ("status", "error", "state", "calls"),
        [
            (302, ProtocolViolation, SourceState.INVALID, 1),
            (401, Refused, SourceState.REFUSED, 1),
            (403, Refused, SourceState.REFUSED, 1),
            (422, Rejected, SourceState.INVALID, 1),
            (429, RateLimited, SourceState.RATE_LIMITED, None),
            (500, Unavailable, SourceState.UNAVAILABLE, None),
            (503, Unavailable, SourceState.UNAVAILABLE, None),
            (504, TimedOut, SourceState.TIMEOUT, 1),
        ],
    )
    async def test_tells_failures_apart_and_tries_twice_where_it_may_help(
        self,
        status: int,
        error: type[UpstreamError],
        state: SourceState,
        calls: int | None,
    ) -> None:
        answer = httpx2.Response(status, text=PHI, headers={"Location": "https://evil.example/"})
        with pytest.raises(error) as raised:
            await self.asked(answer)
        expected = self.tries if calls is None else calls
        assert (raised.value.state, len(self.server.requests)) == (state, expected)

    async def test_a_second_try_may_succeed(self) -> None:
        if self.tries > 1:
            assert await self.asked(httpx2.Response(503), self.good())
            return
        with pytest.raises(Unavailable):
            await self.asked(httpx2.Response(503), self.good())

    async def test_passes_on_when_to_come_back(self) -> None:
        answer = httpx2.Response(429, headers={"Retry-After": "77"})
        with pytest.raises(RateLimited) as raised:
            await self.asked(answer)
        # Waiting 77 seconds is no longer in time, so there is no second try.
        assert (raised.value.retry_after, len(self.server.requests)) == (77, 1)

    async def test_waits_no_longer_than_its_time(self) -> None:
        with pytest.raises(TimedOut):
            await self.asked(HANGS, timeout=0.01)

    @pytest.mark.parametrize(
        ("failure", "error"),
        [
            (httpx2.ConnectError, Unreachable),
            (httpx2.ConnectTimeout, TimedOut),
            (httpx2.ReadTimeout, TimedOut),
            (httpx2.RemoteProtocolError, Unreachable),
        ],
    )
    async def test_a_broken_connection(
        self, failure: type[httpx2.TransportError], error: type[UpstreamError]
    ) -> None:
        with pytest.raises(error):
            await self.asked(failure(PHI))

    async def test_html_in_place_of_an_answer(self) -> None:
        with pytest.raises(ProtocolViolation, match="media type"):
            await self.asked(httpx2.Response(200, html=f"<html>{PHI}</html>"))

    async def test_half_an_answer(self) -> None:
        good = self.good()
        half = good.content[: len(good.content) // 2]
        answer = httpx2.Response(
            200, content=half, headers={"Content-Type": good.headers["Content-Type"]}
        )
        with pytest.raises(ProtocolViolation):
            await self.asked(answer)

    async def test_an_answer_too_large(self) -> None:
        good = self.good()
        padding = b" " * 5_000
        answer = httpx2.Response(
            200,
            content=good.content + padding,
            headers={"Content-Type": good.headers["Content-Type"]},
        )
        with pytest.raises(ProtocolViolation, match="larger"):
            await self.asked(answer, max_response_bytes=len(good.content) + 2_000)

    @pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 429, 500, 503])
    async def test_what_goes_wrong_is_told_without_phi(
        self, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        good = self.good()
        content_type = good.headers["Content-Type"]
        answer = httpx2.Response(status, text=f'{{"{PHI}"', headers={"Content-Type": content_type})
        with pytest.raises(UpstreamError) as raised:
            await self.asked(answer)
        told = "".join(traceback.format_exception(raised.value)) + caplog.text
        assert PHI not in told

    async def test_what_goes_well_is_logged_without_phi(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        await self.asked(self.good())
        assert PHI not in caplog.text

    async def test_asks_without_phi_in_the_url(self) -> None:
        await self.asked(self.good())
        assert all(PHI not in str(request.url) for request in self.server.requests)
