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

import msgspec

from contract.access import EXTENSION, AccessReport, Refusal, ReportRefusedError, verify_report
from contract.context import HEADER, Caller, Context, body_hash, sign_context
from gateway.execution.client import (
    Headers,
    HeaderSink,
    SubgraphClient,
    SubgraphError,
    SubgraphInvalidResponse,
)
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
                        conversation.take_report(subgraph, event, key)
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

    async def _send(
        self, subgraph: str, body: bytes, kind: OperationKind, sink: HeaderSink | None
    ) -> bytes:
        client, timeout = self.peers.clients[subgraph], self.peers.timeout
        repeatable = kind is OperationKind.QUERY
        key = self.peers.keys.get(subgraph)
        if key is None:
            return await client.send(body, self.headers, timeout, repeatable=repeatable, sink=sink)
        context = self._context(subgraph, body, kind)
        headers = [*self.headers, (HEADER, sign_context(context, key))]
        answer = await client.send(body, headers, timeout, repeatable=repeatable, sink=sink)
        self.take_report(subgraph, answer, key)
        return answer

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

    def take_report(self, subgraph: str, answer: bytes, key: bytes) -> None:
        """Raises `SubgraphInvalidResponse` for data that comes without a valid report."""
        try:
            text = _report_text(answer)
            if text is not None:
                report = verify_report(text, subgraph=subgraph, request_id=self.request_id, key=key)
                self.reports.append(report)
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
