"""A source that keeps failing is left alone, and tried again by one."""

import httpx2
import pytest

from chartgraph.testing.scripted import Scripted
from subgraphs.connectors import breaker
from subgraphs.connectors.breaker import FAILURES, LASTING, REST, Breaker
from subgraphs.connectors.errors import (
    CircuitOpen,
    ProtocolViolation,
    RateLimited,
    Refused,
    TimedOut,
    Unavailable,
    UpstreamError,
)
from subgraphs.connectors.telehealth.client import TelehealthSource
from subgraphs.connectors.transport import open_client


class Clock:
    def __init__(self) -> None:
        self.time = 100.0
        self.breaker = Breaker(lambda: self.time)

    def fail(self, times: int = FAILURES, error: type[UpstreamError] = TimedOut) -> None:
        for _ in range(times):
            self.breaker.note(error("down"), started=self.time)

    def succeed(self) -> None:
        self.breaker.note(None, started=self.time)

    def admits(self) -> bool:
        try:
            self.breaker.admit()
        except CircuitOpen:
            return False
        return True


@pytest.fixture
def clock():
    return Clock()


def open_circuit(clock: Clock) -> None:
    clock.fail(FAILURES - 1)
    clock.time += LASTING
    clock.fail(1)


def test_failures_of_one_moment_open_nothing(clock):
    clock.fail(100)
    assert clock.admits()


def test_a_few_failures_open_nothing_however_long(clock):
    clock.fail(FAILURES - 1)
    clock.time += 1000
    assert clock.admits()


def test_failures_that_go_on_open_it(clock):
    open_circuit(clock)
    with pytest.raises(CircuitOpen) as raised:
        clock.breaker.admit()
    assert (raised.value.retry_after, raised.value.state) == (REST, "OPEN_CIRCUIT")


def test_after_its_rest_one_call_tries_and_the_others_wait(clock):
    open_circuit(clock)
    clock.time += REST
    assert [clock.admits() for _ in range(3)] == [True, False, False]


def test_a_success_closes_it(clock):
    open_circuit(clock)
    clock.time += REST
    assert clock.admits()
    clock.succeed()
    assert all(clock.admits() for _ in range(3))


def test_another_failure_makes_it_rest_again(clock):
    open_circuit(clock)
    clock.time += REST
    assert clock.admits()
    clock.fail(1, Unavailable)
    assert not clock.admits()


@pytest.mark.parametrize("error", [RateLimited, Refused, ProtocolViolation])
def test_a_source_that_answers_is_not_left_alone(clock, error):
    open_circuit(clock)
    clock.time += REST
    clock.breaker.note(error("no"), started=clock.time)
    assert clock.admits()


async def test_a_source_left_alone_is_not_called(monkeypatch):
    monkeypatch.setattr(breaker, "LASTING", 0)
    config = TelehealthSource(id="t", url="https://vendor.example", serves=())
    network = Scripted([httpx2.Response(503, headers={"Retry-After": "99"})])
    async with open_client(config, network=network) as client:
        for _ in range(FAILURES + 3):
            with pytest.raises(UpstreamError) as raised:
                await client.get("x")
    assert isinstance(raised.value, CircuitOpen)
    assert len(network.requests) == FAILURES
