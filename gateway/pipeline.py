"""From a client's request to the bytes of its answer, stage by stage.

    request ─ identify ─ resolve ─ select ─ authorize ─ run ─ audit ─ render ─> bytes

Each stage is a method of its own name. Whatever ends a request whole is raised as a `GatewayError`;
`gateway.http` turns it into a status and a body.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from contract.errors import Code
from gateway.audit.record import AuditRecord
from gateway.authorization.grants import GrantsOf
from gateway.authorization.identity import ANONYMOUS, DEVELOPER, Grants, Identity
from gateway.cache.lru import LruCache
from gateway.decision import Decision, decide
from gateway.documents.prepare import Document
from gateway.documents.request import GraphQLRequest
from gateway.documents.resolve import Documents
from gateway.engine import Answer, Engine
from gateway.errors import (
    Complaint,
    FaultError,
    IdentityError,
    PublicText,
    RequestError,
    render_error,
)
from gateway.exchange import Peers, RequestExchange
from gateway.execution.client import Headers
from gateway.execution.faults import ResponseError, fault_of
from gateway.execution.response_headers import ResponseHeaders
from gateway.execution.wire import encode
from gateway.federation.access_rules import AccessRules
from gateway.operation.errors import OperationTooLargeError
from gateway.operation.tree import (
    INTROSPECTION_FIELDS,
    Field,
    Operation,
    OperationKind,
    SelectionSet,
)
from gateway.planning import PlanError, print_plan
from gateway.planning.cost import plan_cost
from gateway.rollout import Rollout
from gateway.settings import Settings
from gateway.telemetry import Metrics, log

if TYPE_CHECKING:
    from gateway.audit.trail import AuditTrail
    from gateway.authorization.tokens import TokenVerifier

OPERATIONS = 5_000
DECISIONS = 20_000
CACHED_FIELDS = 200_000
"""In all cached operations together; a field takes some 300 bytes."""
_META = INTROSPECTION_FIELDS | {"__typename"}
_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with all that came along beside its body."""

    request: GraphQLRequest
    authorization: str | None = None
    headers: Headers = ()
    """Those that are propagated to the subgraphs."""
    certificate: str | None = None
    """The thumbprint of the one the client showed."""


@dataclass(frozen=True, slots=True)
class Selected:
    """The one operation that is to run."""

    document: Document
    operation: Operation


class Pipeline:
    """One schema's way; on a reload a new one takes its place."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        rules: AccessRules,
        documents: Documents,
        peers: Peers,
        *,
        metrics: Metrics,
        rollout: Rollout,
        grants_of: GrantsOf,
        verifier: TokenVerifier | None = None,
        trail: AuditTrail | None = None,
    ) -> None:
        """Without a `verifier` nobody signs in; without a `trail` nothing is written down."""
        self._settings = settings
        self._engine = engine
        self._rules = rules
        self._documents = documents
        self._peers = peers
        self._metrics = metrics
        self._grants_of = grants_of
        self._verifier = verifier
        self._trail = trail
        self._rollout = rollout
        self.under_way = 0
        """Requests this pipeline is answering."""
        self._operations: LruCache[tuple[str, str | None], Selected] = LruCache(
            OPERATIONS, weight=CACHED_FIELDS
        )
        self._decisions: LruCache[tuple[str, str | None, Grants], Decision] = LruCache(
            DECISIONS, weight=CACHED_FIELDS
        )

    async def answer(
        self, asked: Asked, request_id: str, returned: ResponseHeaders | None = None
    ) -> bytes:
        """Raises `GatewayError` where there is nothing to answer.

        `returned` takes the headers that came with the subgraphs' answers.
        """
        self.under_way += 1
        try:
            return await self._answer(asked, request_id, returned)
        finally:
            self.under_way -= 1

    async def _answer(
        self, asked: Asked, request_id: str, returned: ResponseHeaders | None
    ) -> bytes:
        identity = await self.identify(asked.authorization, asked.certificate)
        document = await self.resolve(asked.request, identity)
        selected = self.select(document, asked.request, identity)
        decision = self.authorize(selected, identity)
        exchange = RequestExchange(
            self._peers, request_id, identity.caller, asked.headers, returned
        )
        try:
            answer = await self._engine.run(
                selected.operation,
                asked.request.variables,
                exchange,
                authorize=lambda _: decision.permitted,
                labels=self._rollout.labels(identity, request_id),
            )
        except RequestError:
            # Refused before anything was asked of a subgraph.
            raise
        except PlanError as error:
            digest = document.hash
            log.error(
                "plan_failed", request_id=request_id, operation_hash=digest, reason=str(error)
            )
            self._metrics.plans_failed.inc()
            answer = Answer(None, (ResponseError(fault_of(Code.PLAN_FAILED)),))
        except Exception:
            await self.audit(asked.request, selected, decision, exchange, {Code.INTERNAL})
            raise
        codes = {error.fault.code for error in answer.errors}
        self._count_subgraph_errors(answer)
        if returned is not None:
            returned.incomplete = bool(answer.errors)
        await self.audit(asked.request, selected, decision, exchange, codes)
        return self.render(answer, request_id)

    async def identify(self, authorization: str | None, certificate: str | None = None) -> Identity:
        if self._verifier is None:
            return DEVELOPER
        if authorization is None:
            if not self._settings.allow_anonymous_introspection:
                raise IdentityError(Code.UNAUTHENTICATED)
            return ANONYMOUS
        if authorization[: len(_BEARER)].lower() != _BEARER:
            raise IdentityError(Code.UNAUTHENTICATED, note="another scheme than Bearer")
        verified = await self._verifier.verify(authorization[len(_BEARER) :].strip(), certificate)
        return Identity(verified.caller, self._grants_of(verified.caller), verified.expires_at)

    async def resolve(self, request: GraphQLRequest, identity: Identity) -> Document:
        client = identity.caller.client_id if identity.caller else ""
        return await self._documents.resolve(request, client)

    def select(self, document: Document, request: GraphQLRequest, identity: Identity) -> Selected:
        selected = self._select(document, request.operation_name)
        self._check_kind(selected.operation, request)
        self._check_introspection(selected, identity)
        return selected

    def authorize(self, selected: Selected, identity: Identity) -> Decision:
        key = (selected.document.hash, selected.operation.name, identity.grants)
        decision = self._decisions.get(key)
        if decision is None:
            operation, schema = selected.operation, self._engine.schema
            decision = decide(operation, self._rules, identity.grants, schema)
            # Where nothing was taken out, the operation is the one that is cached already.
            size = _size(decision.permitted.operation.selections) if decision.denials else 0
            self._decisions.put(key, decision, weight=size + len(decision.denials))
        for denial in decision.denials:
            self._metrics.denials.labels(denial.code).inc()
        return decision

    async def audit(
        self,
        request: GraphQLRequest,
        selected: Selected,
        decision: Decision,
        exchange: RequestExchange,
        codes: Collection[Code],
    ) -> None:
        """Returns once the record is safe: until then nothing of the answer may leave."""
        if self._trail is None:
            return
        document, operation = selected.document, selected.operation
        asked = {"query": document.text, "variables": request.variables}
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
            denials=decision.fields,
            codes=tuple(sorted(codes)),
        )
        await self._trail.commit(record)

    def render(self, answer: Answer, request_id: str) -> bytes:
        """https://spec.graphql.org/October2021/#sec-Response-Format"""
        body: dict[str, Any] = {}
        if answer.errors:
            body["errors"] = [self._render_error(error, request_id) for error in answer.errors]
        body["data"] = answer.data
        return encode(body)

    async def explain(self, asked: Asked) -> dict[str, Any]:
        """The plan of an operation for this caller, its cost and what it leaves out, as JSON."""
        identity = await self.identify(asked.authorization, asked.certificate)
        document = await self.resolve(asked.request, identity)
        selected = self.select(document, asked.request, identity)
        decision = self.authorize(selected, identity)
        try:
            labels = self._rollout.labels(identity)
            planned = self._engine.plan(decision.permitted.operation, labels)
        except PlanError:
            raise FaultError(Code.PLAN_FAILED) from None
        return {
            "cost": asdict(plan_cost(planned.plan)),
            "denied": decision.describe(),
            "plan": print_plan(planned.plan),
        }

    def warm(self, text: str) -> None:
        """Do for a document, before anyone asks for it, all that is the same for everyone.

        Raises `RequestError` or `PlanError` where the schema cannot run it.
        """
        document = self._documents.prepare(text)
        names = [*document.operations, *([None] if len(document.operations) == 1 else ())]
        for name in names:
            self._engine.plan(self._select(document, name).operation, self._rollout.usual)

    def _select(self, document: Document, operation_name: str | None) -> Selected:
        key = (document.hash, operation_name)
        selected = self._operations.get(key)
        if selected is None:
            document.operation(operation_name)
            try:
                operation = self._engine.normalize(document.node, operation_name)
            except OperationTooLargeError as error:
                complaint = Complaint(PublicText(f"{error}.".capitalize()))
                raise RequestError(Code.OPERATION_TOO_LARGE, complaint) from None
            selected = Selected(document, operation)
            self._operations.put(key, selected, weight=_size(operation.selections))
        return selected

    def _count_subgraph_errors(self, answer: Answer) -> None:
        """Each kind once, however many rows it hit."""
        for subgraph, code in {(each.fault.subgraph, each.fault.code) for each in answer.errors}:
            if subgraph is not None:
                self._metrics.subgraph_errors.labels(subgraph, code).inc()

    def _without_plan(self, document: Document, request_id: str, error: PlanError) -> Answer:
        log.error(
            "plan_failed", request_id=request_id, operation_hash=document.hash, reason=str(error)
        )
        self._metrics.plans_failed.inc()
        return Answer(None, (ResponseError(fault_of(Code.PLAN_FAILED)),))

    def _check_kind(self, operation: Operation, request: GraphQLRequest) -> None:
        if operation.kind is OperationKind.SUBSCRIPTION:
            text = PublicText("Subscriptions are not served here.")
            raise RequestError(Code.OPERATION_RESOLUTION_FAILURE, Complaint(text))
        if operation.kind is OperationKind.MUTATION and request.by_get:
            # https://graphql.github.io/graphql-over-http/draft/#sec-GET
            raise RequestError(Code.METHOD_NOT_ALLOWED)

    def _check_introspection(self, selected: Selected, identity: Identity) -> None:
        if selected.document.introspects and not self._may_introspect(identity):
            raise RequestError(Code.INTROSPECTION_DISABLED)
        if identity is ANONYMOUS and not _is_introspection(selected.operation):
            raise IdentityError(Code.UNAUTHENTICATED)

    def _may_introspect(self, identity: Identity) -> bool:
        roles = identity.caller.roles if identity.caller else ()
        return self._settings.open or not self._settings.introspection_roles.isdisjoint(roles)

    def _render_error(self, error: ResponseError, request_id: str) -> dict[str, Any]:
        fault = error.fault
        extensions = dict(fault.extensions)
        if self._settings.open and fault.subgraph is not None:
            extensions["subgraph"] = fault.subgraph
        return render_error(
            fault.code,
            request_id,
            message=fault.message,
            path=error.path,
            extensions=extensions,
        )


def _is_introspection(operation: Operation) -> bool:
    return all(
        isinstance(selection, Field) and selection.name in _META
        for selection in operation.selections
    )


def _size(selections: SelectionSet) -> int:
    return sum(1 + _size(each.selections) for each in selections)
