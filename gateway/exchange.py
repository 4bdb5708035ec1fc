"""One request's conversation with the subgraphs: what is sent along, and what must come back.

A subgraph that has a key gets a signed context and owes an access report; its answer is not used
without one, since nobody could say then whose records it holds. A subgraph without a key gets no
context at all: it says who asks.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import msgspec

from contract.access import (
    EXTENSION,
    AccessReport,
    GlassUse,
    Refusal,
    ReportRefusedError,
    verify_report,
)
from contract.context import HEADER, Caller, Context, body_hash, sign_context
from gateway.execution.client import (
    Headers,
    HeaderSink,
    SubgraphClient,
    SubgraphError,
    SubgraphInvalidResponse,
)
from gateway.execution.joining import Joining
from gateway.execution.response_headers import ResponseHeaders
from gateway.operation.tree import OperationKind
from gateway.telemetry import log

NONCE_BYTES = 16
_NULL = b"null"


class _Envelope(msgspec.Struct, frozen=True):
    """Of an answer, only what tells whether it needs a report and has one."""

    data: msgspec.Raw = msgspec.Raw(_NULL)
    extensions: msgspec.Raw = msgspec.Raw(_NULL)


_envelopes = msgspec.json.Decoder(_Envelope)
_extensions = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_texts = msgspec.json.Decoder(str)


_Taken: TypeAlias = tuple[bytes, AccessReport | None]
"""A subgraph's answer, and its report where it owes one."""


class Flights:
    """Queries under way, which another request may join if it would send the very same.

    The same is: to the same subgraph, for the same caller to the last claim, with the same headers.
    Whoever has changed something since is not shown what was asked before.
    """

    def __init__(self) -> None:
        self._joining = Joining[tuple[Hashable, ...], _Taken]()
        self._changes = 0

    def change(self) -> None:
        """A mutation is sent, or has been."""
        self._changes += 1

    async def share(
        self,
        exchange: RequestExchange,
        subgraph: str,
        body: bytes,
        send: Callable[[], Awaitable[_Taken]],
    ) -> _Taken:
        key = (subgraph, body, exchange.caller, tuple(exchange.headers), self._changes)
        return await self._joining.do(key, send)


@dataclass(frozen=True, slots=True)
class Peers:
    """The subgraphs as every request finds them."""

    clients: Mapping[str, SubgraphClient]
    keys: Mapping[str, bytes]
    """The context key of each subgraph that is ours."""
    timeout: float
    """Seconds for one answer."""
    report_refused: Callable[[str], None] = lambda _: None
    """Told the name of a subgraph whose answer was kept back."""
    flights: Flights = field(default_factory=Flights)


@dataclass(slots=True)
class RequestExchange:
    """`gateway.execution.execute.Exchange`, for one request."""

    peers: Peers
    request_id: str
    caller: Caller | None
    headers: Headers
    """The client's, as far as they are propagated."""
    returned: ResponseHeaders | None = None
    """Takes the headers of the answers, where the client is to see any."""
    reports: list[AccessReport] = field(default_factory=list)
    clock: Callable[[], float] = time.time

    async def __call__(self, subgraph: str, body: bytes, kind: OperationKind) -> bytes:
        sink = None if self.returned is None else self.returned.sink()
        try:
            answer = await self._send(subgraph, body, kind, sink)
        except SubgraphError as error:
            self._log_failure(subgraph, error)
            raise
        if sink is not None:
            sink.used = True
        return answer

    async def listen(
        self, subgraph: str, body: bytes
    ) -> AsyncGenerator[tuple[bytes, RequestExchange], None]:
        """Each event, with the conversation in which it is completed: its own, begun by its report.

        Raises `SubgraphError`.
        """
        client, timeout = self.peers.clients[subgraph], self.peers.timeout
        key, headers = self.peers.keys.get(subgraph), self.headers
        if key is not None:
            context = self._context(subgraph, body, OperationKind.SUBSCRIPTION)
            headers = [*headers, (HEADER, sign_context(context, key))]
        try:
            async with aclosing(client.subscribe(body, headers, timeout)) as events:
                async for event in events:
                    conversation = replace(self, reports=[])
                    if key is not None:
                        conversation.take_report(conversation.read_report(subgraph, event, key))
                    yield event, conversation
        except SubgraphError as error:
            self._log_failure(subgraph, error)
            raise

    @property
    def patients(self) -> tuple[str, ...]:
        return tuple(sorted({each for report in self.reports for each in report.patients}))

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(dict.fromkeys(each for report in self.reports for each in report.refusals))

    @property
    def broken(self) -> tuple[GlassUse, ...]:
        return tuple(sorted({each for report in self.reports for each in report.broken}))

    async def _send(
        self, subgraph: str, body: bytes, kind: OperationKind, sink: HeaderSink | None
    ) -> bytes:
        flights = self.peers.flights
        if kind is not OperationKind.QUERY:
            flights.change()
            try:
                answer, report = await self._converse(subgraph, body, kind, sink)
            finally:
                flights.change()
        elif sink is not None:
            # The client is to see headers, and those of an answer are for one alone.
            answer, report = await self._converse(subgraph, body, kind, sink)
        else:
            answer, report = await flights.share(
                self, subgraph, body, lambda: self._converse(subgraph, body, kind, None)
            )
        self.take_report(report)
        return answer

    async def _converse(
        self, subgraph: str, body: bytes, kind: OperationKind, sink: HeaderSink | None
    ) -> _Taken:
        client, timeout = self.peers.clients[subgraph], self.peers.timeout
        repeatable = kind is OperationKind.QUERY
        key = self.peers.keys.get(subgraph)
        if key is None:
            answer = await client.send(
                body, self.headers, timeout, repeatable=repeatable, sink=sink
            )
            return answer, None
        context = self._context(subgraph, body, kind)
        headers = [*self.headers, (HEADER, sign_context(context, key))]
        answer = await client.send(body, headers, timeout, repeatable=repeatable, sink=sink)
        return answer, self.read_report(subgraph, answer, key)

    def _log_failure(self, subgraph: str, error: SubgraphError) -> None:
        log.warning(
            "subgraph_failed", request_id=self.request_id, subgraph=subgraph, reason=str(error)
        )

    def _context(self, subgraph: str, body: bytes, kind: OperationKind) -> Context:
        return Context(
            audience=subgraph,
            body=body_hash(body),
            issued_at=int(self.clock()),
            request_id=self.request_id,
            caller=self.caller,
            nonce=None if kind is OperationKind.QUERY else secrets.token_hex(NONCE_BYTES),
        )

    def take_report(self, report: AccessReport | None) -> None:
        if report is not None:
            self.reports.append(report)

    def read_report(self, subgraph: str, answer: bytes, key: bytes) -> AccessReport | None:
        """Raises `SubgraphInvalidResponse` for data that comes without a valid report."""
        try:
            text = _report_text(answer)
            if text is None:
                return None
            return verify_report(text, subgraph=subgraph, request_id=self.request_id, key=key)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise SubgraphInvalidResponse("its answer is not a GraphQL response") from None
        except ReportRefusedError as error:
            self.peers.report_refused(subgraph)
            raise SubgraphInvalidResponse(str(error)) from None


def _report_text(answer: bytes) -> str | None:
    """The access report; None where there is none and none is owed, for there is no data."""
    envelope = _envelopes.decode(answer)
    report = (_extensions.decode(envelope.extensions) or {}).get(EXTENSION)
    if report is None:
        if bytes(envelope.data).strip() == _NULL:
            return None
        raise ReportRefusedError("the report is missing")
    return _texts.decode(report)
