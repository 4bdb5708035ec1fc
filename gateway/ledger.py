"""After an answer is found: what is written down of it before it leaves, and what is counted."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import msgspec

from contract.audit_record import AuditRecord
from contract.errors import Code
from gateway.asked import Asked, Selected
from gateway.authorization.identity import Identity
from gateway.decision import Decision
from gateway.demand.demand import Bill
from gateway.documents.prepare import Document
from gateway.engine import Answer
from gateway.exchange import RequestExchange
from gateway.execution.faults import ResponseError, fault_of
from gateway.execution.wire import encode
from gateway.planning import PlanError
from gateway.rendering import render
from gateway.telemetry import Metrics, log

if TYPE_CHECKING:
    from gateway.audit.trail import AuditTrail


class Prepared(msgspec.Struct, frozen=True):
    """A request for which it is settled who asks, what runs, and what of it is permitted."""

    asked: Asked
    identity: Identity
    selected: Selected
    decision: Decision
    bill: Bill | None = None
    """What it was charged; None where costs are off, or where it is not going to run."""


class Ledger:
    """Where answers are accounted for."""

    def __init__(
        self, metrics: Metrics, trail: AuditTrail | None, *, names_subgraphs: bool
    ) -> None:
        """Without a `trail` nothing is written down; `names_subgraphs` is as `render` has it."""
        self._metrics = metrics
        self._trail = trail
        self.writes = trail is not None
        """Whether answers have to wait until they are written down."""
        self.names_subgraphs = names_subgraphs

    async def conclude(
        self, prepared: Prepared, exchange: RequestExchange, answer: Answer
    ) -> bytes:
        """The answer's bytes, once they may leave."""
        await self.account_for(prepared, exchange, answer.errors)
        return self.render(prepared.bill, exchange.request_id, answer)

    def render(self, bill: Bill | None, request_id: str, answer: Answer) -> bytes:
        """Of what is written down already, or has not to be."""
        cost = bill.settle(answer.data) if bill is not None else None
        return render(answer, request_id, names_subgraphs=self.names_subgraphs, cost=cost)

    async def account_for(
        self, prepared: Prepared, exchange: RequestExchange, errors: Collection[ResponseError]
    ) -> None:
        """Returns once what was asked and read is written down."""
        self._count(errors)
        codes = {error.fault.code for error in errors}
        await self.audit(prepared, exchange, codes)

    async def audit(
        self, prepared: Prepared, exchange: RequestExchange, codes: Collection[Code]
    ) -> None:
        """Returns once the record is safe: until then nothing of the answer may leave."""
        if self._trail is None:
            return
        selected = prepared.selected
        document, operation = selected.document, selected.operation
        asked = {"query": document.text, "variables": prepared.asked.request.variables}
        record = AuditRecord(
            request_id=exchange.request_id,
            recorded_at=time.time(),
            kind=operation.kind,
            operation_name=operation.name,
            operation_hash=document.hash,
            request=encode(asked).decode(),
            caller=exchange.caller,
            patients=exchange.patients,
            refusals=exchange.refusals,
            denials=prepared.decision.fields,
            broken=exchange.broken,
            codes=tuple(sorted(codes)),
        )
        await self._trail.commit(record)
        self._alert(record)

    def _alert(self, record: AuditRecord) -> None:
        """Broken glass is told at once, by its grant and nobody's name."""
        for what, is_breaking in (("broken", True), ("seen", False)):
            grants = {each.grant for each in record.broken if each.is_breaking is is_breaking}
            if grants:
                self._metrics.broken_glass.labels(what).inc()
                log.warning(f"glass_{what}", request_id=record.request_id, grants=sorted(grants))

    def without_plan(self, document: Document, request_id: str, error: PlanError) -> Answer:
        log.error(
            "plan_failed", request_id=request_id, operation_hash=document.hash, reason=str(error)
        )
        self._metrics.plans_failed.inc()
        return Answer(None, (ResponseError(fault_of(Code.PLAN_FAILED)),))

    def _count(self, errors: Iterable[ResponseError]) -> None:
        """Each kind once, however many rows it hit."""
        for subgraph, code in {(each.fault.subgraph, each.fault.code) for each in errors}:
            if subgraph is not None:
                self._metrics.subgraph_errors.labels(subgraph, code).inc()
