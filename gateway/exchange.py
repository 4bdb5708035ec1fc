"""One request's conversation with the subgraphs: what is sent along, and what must come back.

A subgraph that has a key gets a signed context and owes an access report; its answer is not used
without one, since nobody could say then whose records it holds. A subgraph without a key gets no
context at all: it says who asks.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Callable, Mapping
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
    HeaderSink,
    SubgraphClient,
    SubgraphError,
    SubgraphInvalidResponse,
)
from gateway.execution.http_client import HttpSubgraphClient, header_lines, read_outcome
from gateway.execution.http_connection import Outcome
from gateway.execution.http_connections import Errand
from gateway.execution.response_headers import ResponseHeaders
from gateway.flights import Flight, Flights, Sender, Taken
from gateway.operation.tree import OperationKind
from gateway.telemetry import log

NONCE_BYTES = 16
_NULL = b"null"

TellAnswer: TypeAlias = Callable[[bytes | SubgraphError], None]


class _Envelope(msgspec.Struct, frozen=True):
    """Of an answer, only what tells whether it needs a report and has one."""

    data: msgspec.Raw = msgspec.Raw(_NULL)
    extensions: msgspec.Raw = msgspec.Raw(_NULL)


_envelopes = msgspec.json.Decoder(_Envelope)
_extensions = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_texts = msgspec.json.Decoder(str)


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
    begun: Mapping[str, HttpSubgraphClient] = field(init=False)
    """Those clients that can be asked without waiting for anything."""

    def __post_init__(self) -> None:
        clients = self.clients.items()
        begun = {name: each for name, each in clients if isinstance(each, HttpSubgraphClient)}
        object.__setattr__(self, "begun", begun)


@dataclass(slots=True)
class RequestExchange:
    """`gateway.execution.execute.Exchange`, for one request."""

    peers: Peers
    request_id: str
    sender: Sender
    returned: ResponseHeaders | None = None
    """Takes the headers of the answers, where the client is to see any."""
    reports: list[AccessReport] = field(default_factory=list)
    clock: Callable[[], float] = time.time
    lines: bytes | None = None
    """The sender's headers as they are sent, where somebody has them ready."""

    @property
    def caller(self) -> Caller | None:
        return self.sender.caller

    async def __call__(self, subgraph: str, body: bytes, kind: OperationKind) -> bytes:
        sink = None if self.returned is None else self.returned.sink()
        try:
            answer = await self._send(subgraph, body, kind, sink)
        except SubgraphError as error:
            self.log_failure(subgraph, error)
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
        key, headers = self.peers.keys.get(subgraph), self.sender.headers
        if key is not None:
            context = self._context(subgraph, body, OperationKind.SUBSCRIPTION)
            headers = (*headers, (HEADER, sign_context(context, key)))
        try:
            async with aclosing(client.subscribe(body, headers, timeout)) as events:
                async for event in events:
                    conversation = replace(self, reports=[])
                    if key is not None:
                        conversation.take_report(conversation.read_report(subgraph, event, key))
                    yield event, conversation
        except SubgraphError as error:
            self.log_failure(subgraph, error)
            raise

    def begin(self, subgraph: str, body: bytes, tell: TellAnswer) -> Fetching | None:
        """Ask a query and have its answer told by a call, which is never made from within this one.

        None, and nothing is asked, where something has to be waited for before, or the same query
        of the same sender is under way.
        """
        peers = self.peers
        client = peers.begun.get(subgraph)
        if client is None or self.returned is not None:
            return None
        flight = peers.flights.board(subgraph, body, self.sender)
        if flight is None:
            return None
        lines = header_lines(self.sender.headers) if self.lines is None else self.lines
        key = peers.keys.get(subgraph)
        if key is not None:
            context = self._context(subgraph, body, OperationKind.QUERY)
            lines += header_lines(((HEADER, sign_context(context, key)),))
        fetching = Fetching(self, flight, key, tell)
        fetching.errand = client.begin(body, lines, peers.timeout, fetching.end)
        if fetching.errand is None:
            peers.flights.end(flight, None)
            return None
        return fetching

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
                subgraph, body, self.sender, lambda: self._converse(subgraph, body, kind, None)
            )
        self.take_report(report)
        return answer

    async def _converse(
        self, subgraph: str, body: bytes, kind: OperationKind, sink: HeaderSink | None
    ) -> Taken:
        client, timeout = self.peers.clients[subgraph], self.peers.timeout
        repeatable = kind is OperationKind.QUERY
        key = self.peers.keys.get(subgraph)
        if key is None:
            answer = await client.send(
                body, self.sender.headers, timeout, repeatable=repeatable, sink=sink
            )
            return answer, None
        context = self._context(subgraph, body, kind)
        headers = (*self.sender.headers, (HEADER, sign_context(context, key)))
        answer = await client.send(body, headers, timeout, repeatable=repeatable, sink=sink)
        return answer, self.read_report(subgraph, answer, key)

    def log_failure(self, subgraph: str, error: SubgraphError) -> None:
        log.warning(
            "subgraph_failed", request_id=self.request_id, subgraph=subgraph, reason=str(error)
        )

    def _context(self, subgraph: str, body: bytes, kind: OperationKind) -> Context:
        return Context(
            audience=subgraph,
            body=body_hash(body),
            issued_at=int(self.clock()),
            request_id=self.request_id,
            caller=self.sender.caller,
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


class Fetching(msgspec.Struct):
    """A query that is under way, and that nobody awaits."""

    exchange: RequestExchange
    flight: Flight
    key: bytes | None
    tell: TellAnswer
    errand: Errand | None = None

    def cancel(self) -> None:
        """Nobody is told any more; whoever joined asks again."""
        if self.errand is not None:
            self.errand.abort()
        self.exchange.peers.flights.end(self.flight, None)

    def end(self, outcome: Outcome) -> None:
        exchange, flights = self.exchange, self.exchange.peers.flights
        answer, report = read_outcome(outcome), None
        if self.key is not None and not isinstance(answer, SubgraphError):
            try:
                report = exchange.read_report(self.flight[0], answer, self.key)
            except SubgraphError as error:
                answer = error
        if isinstance(answer, SubgraphError):
            flights.end(self.flight, answer)
            exchange.log_failure(self.flight[0], answer)
        else:
            flights.end(self.flight, (answer, report))
            if report is not None:
                exchange.take_report(report)
        self.tell(answer)


def _report_text(answer: bytes) -> str | None:
    """The access report; None where there is none and none is owed, for there is no data."""
    envelope = _envelopes.decode(answer)
    report = (_extensions.decode(envelope.extensions) or {}).get(EXTENSION)
    if report is None:
        if bytes(envelope.data).strip() == _NULL:
            return None
        raise ReportRefusedError("the report is missing")
    return _texts.decode(report)
