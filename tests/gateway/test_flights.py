"""Queries under way are shared by requests that would send the very same, and by no others."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from contract.access import AccessReport
from contract.context import Caller
from gateway.exchange import Peers, RequestExchange
from gateway.execution.response_headers import ResponseHeaders
from gateway.flights import Sender
from gateway.operation.tree import OperationKind

ADA, BOB = Caller("ada", scopes=("user/*.rs",)), Caller("bob", scopes=("user/*.rs",))
HEADERS = (("authorization", "Bearer ada"),)


class Slow:
    """A subgraph that answers when it is told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.answering = asyncio.Event()

    async def send(self, body, _headers, _timeout, **_options):
        self.bodies.append(body)
        await self.answering.wait()
        return b'{"data":%d}' % len(self.bodies)

    async def close(self):
        pass


@pytest.fixture
async def slow():
    return Slow()


@pytest.fixture
def first(slow):
    return RequestExchange(Peers({"a": slow}, {}, 5.0), "1", Sender(ADA, HEADERS))


async def ask_both(slow, first, second, *, kind=OperationKind.QUERY, body=b"x"):
    tasks = [
        asyncio.create_task(first("a", b"x", OperationKind.QUERY)),
        asyncio.create_task(second("a", body, kind)),
    ]
    await asyncio.sleep(0)
    slow.answering.set()
    return await asyncio.gather(*tasks)


async def test_the_same_caller_with_the_same_headers_shares(slow, first):
    one, other = await ask_both(slow, first, replace(first, request_id="2", reports=[]))
    assert (one, len(slow.bodies)) == (other, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": Sender(BOB, HEADERS)},
        {"sender": Sender(Caller("ada", scopes=("user/*.rs", "user/Patient.cud")), HEADERS)},
        {"sender": Sender(None, HEADERS)},
        {"sender": Sender(ADA)},
        {"sender": Sender(ADA, (*HEADERS, ("accept-language", "de")))},
        {"returned": ResponseHeaders({})},
    ],
    ids=["another", "other scopes", "nobody", "no headers", "other headers", "headers asked for"],
)
async def test_whoever_differs_in_anything_does_not(slow, first, changes):
    await ask_both(slow, first, replace(first, request_id="2", reports=[], **changes))
    assert len(slow.bodies) == 2


async def test_another_question_is_another_one(slow, first):
    await ask_both(slow, first, replace(first, reports=[]), body=b"y")
    assert slow.bodies == [b"x", b"y"]


async def test_a_mutation_is_never_shared(slow, first):
    mutation = OperationKind.MUTATION
    tasks = [asyncio.create_task(first("a", b"x", mutation)) for _ in range(2)]
    await asyncio.sleep(0)
    slow.answering.set()
    await asyncio.gather(*tasks)
    assert len(slow.bodies) == 2


async def test_what_was_asked_before_a_change_is_not_shown_after_it(slow, first):
    before = asyncio.create_task(first("a", b"x", OperationKind.QUERY))
    await asyncio.sleep(0)
    slow.answering.set()
    slow.answering = asyncio.Event()
    slow.answering.set()
    await first("a", b"change", OperationKind.MUTATION)
    await first("a", b"x", OperationKind.QUERY)
    await before
    assert slow.bodies == [b"x", b"change", b"x"]


async def test_each_request_has_the_report_for_its_audit(slow, first, monkeypatch):
    report = AccessReport("a", "1", ("p1",))
    monkeypatch.setattr(RequestExchange, "read_report", lambda *_: report)
    peers = replace(first.peers, keys={"a": b"k" * 32})
    first = replace(first, peers=peers, reports=[])
    second = replace(first, request_id="2", reports=[])
    await ask_both(slow, first, second)
    assert (first.patients, second.patients, len(slow.bodies)) == (("p1",), ("p1",), 1)
