"""From a client's request to the bytes of its answer, stage by stage.

    identify ─ enter ─ resolve ─ select ─ authorize ─ charge ─ run ─ audit ─ render ─> bytes

A subscription runs the last three for each of its events (`gateway.streaming`). Each stage is a
method of its own name. Whatever ends a request whole is raised as a `GatewayError`; `gateway.http`
turns it into a status and a body.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from contract.errors import Code
from gateway.asked import Asked, Incremental, Payloads, Selected
from gateway.audit.record import AuditRecord
from gateway.authorization.explain import FieldDecision, explain_decisions
from gateway.authorization.grants import GrantsOf
from gateway.authorization.identity import ANONYMOUS, DEVELOPER, Grants, Identity
from gateway.bounds import Limits, OnDenial
from gateway.cache.lru import LruCache
from gateway.clients.clients import Clients
from gateway.decision import Decision, RejectedError, check_whole, decide, describe
from gateway.demand.demand import Bill, Demand
from gateway.demand.till import Account, Till
from gateway.documents.prepare import Document
from gateway.documents.request import GraphQLRequest
from gateway.documents.resolve import Documents, Reader
from gateway.engine import Answer, Engine
from gateway.errors import (
    AccessError,
    Complaint,
    FaultError,
    GatewayError,
    IdentityError,
    PublicText,
    RequestError,
)
from gateway.exchange import Peers, RequestExchange
from gateway.execution.deliver import Initial, Subsequent
from gateway.execution.faults import ResponseError, fault_of
from gateway.execution.response_headers import ResponseHeaders
from gateway.execution.variables import coerce_variables
from gateway.execution.wire import encode
from gateway.federation.access_rules import AccessRules, policy_names
from gateway.incremental.render import render_part
from gateway.incremental.whole import add_part
from gateway.operation.deferred import settle
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
from gateway.rendering import render
from gateway.rollout import Rollout
from gateway.settings import Settings
from gateway.streaming import Ending, answer_events
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


class Prepared(msgspec.Struct, frozen=True):
    """A request for which it is settled who asks, what runs, and what of it is permitted."""

    asked: Asked
    identity: Identity
    selected: Selected
    decision: Decision
    bill: Bill | None = None
    """What it was charged; None where costs are off, or where it is not going to run."""


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
        clients: Clients,
        demand: Demand,
        till: Till,
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
        self._clients = clients
        self._demand = demand
        self._till = till
        self._verifier = verifier
        self._trail = trail
        self._rollout = rollout
        self._endings: set[Ending] = set()
        self._retired: GatewayError | None = None
        self.under_way = 0
        """Requests this pipeline is answering."""
        self._operations: LruCache[tuple[str, str | None, bool], Selected] = LruCache(
            OPERATIONS, weight=CACHED_FIELDS
        )
        self._decisions: LruCache[tuple[str, str | None, bool, Grants], Decision] = LruCache(
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
            prepared = await self._prepare(asked, request_id)
            return await self._answer(prepared, request_id, returned)
        finally:
            self.under_way -= 1

    async def open(
        self, asked: Asked, request_id: str, returned: ResponseHeaders | None = None
    ) -> bytes | Payloads:
        """The answer, or where it comes in several payloads, those. Raises `GatewayError`."""
        self.under_way += 1
        try:
            prepared = await self._prepare(asked, request_id)
            if prepared.selected.operation.kind is OperationKind.SUBSCRIPTION:
                return self._stream(partial(self._subscribe, prepared, request_id))
            if prepared.selected.in_parts:
                return await self._open_parts(prepared, request_id, returned)
            return await self._answer(prepared, request_id, returned)
        finally:
            self.under_way -= 1

    def retire(self, reason: GatewayError) -> None:
        """Another pipeline takes over, or none: what would go on for long ends with the reason."""
        self._retired = reason
        for ending in self._endings:
            ending.end(reason)

    async def _prepare(self, asked: Asked, request_id: str | None) -> Prepared:
        """Without the id of a request it is not going to run."""
        identity = await self.identify(asked.authorization, asked.certificate)
        account = self.enter(identity)
        try:
            document = await self.resolve(asked.request, identity)
            selected = self.select(document, asked, identity)
            decision = self.authorize(selected, identity)
            prepared = Prepared(asked, identity, selected, decision)
            if request_id is None:
                return prepared
            if decision.denials:
                await self._reject(prepared, request_id)
        except GatewayError:
            self._till.count(account)
            raise
        operation, variables = decision.permitted.operation, asked.request.variables
        roles = identity.caller.roles if identity.caller else ()
        bill = await self._demand.charge(operation, variables, account, roles)
        return Prepared(asked, identity, selected, decision, bill)

    async def _reject(self, prepared: Prepared, request_id: str) -> None:
        """Raises `RejectedError` if its client wants all or nothing, once that is written down."""
        asked, identity, selected = prepared.asked, prepared.identity, prepared.selected
        client = self._clients.get(identity.caller.client_id) if identity.caller else None
        wanted = asked.request.on_denial or (client.on_denial if client else None)
        if (wanted or self._settings.on_denial) is not OnDenial.REJECT:
            return
        declared, schema = selected.operation.variables, self._engine.schema
        variables = coerce_variables(declared, asked.request.variables, schema)
        try:
            check_whole(prepared.decision, variables)
        except RejectedError as error:
            exchange = RequestExchange(self._peers, request_id, identity.caller, asked.headers)
            codes = {each.code for each in error.denials}
            await self.audit(asked.request, selected, prepared.decision, exchange, codes)
            raise

    async def _answer(
        self, prepared: Prepared, request_id: str, returned: ResponseHeaders | None
    ) -> bytes:
        asked, selected, decision = prepared.asked, prepared.selected, prepared.decision
        identity = prepared.identity
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
            if prepared.bill is not None:
                prepared.bill.release()
            raise
        except PlanError as error:
            answer = self._without_plan(selected.document, request_id, error)
        except Exception:
            await self.audit(asked.request, selected, decision, exchange, {Code.INTERNAL})
            raise
        if returned is not None:
            returned.incomplete = bool(answer.errors)
        return await self._conclude(prepared, exchange, answer)

    async def _conclude(
        self, prepared: Prepared, exchange: RequestExchange, answer: Answer
    ) -> bytes:
        await self._account_for(prepared, exchange, answer.errors)
        cost = prepared.bill.settle(answer.data) if prepared.bill is not None else None
        return render(answer, exchange.request_id, names_subgraphs=self._settings.open, cost=cost)

    async def _account_for(
        self, prepared: Prepared, exchange: RequestExchange, errors: Collection[ResponseError]
    ) -> None:
        """Returns once what was asked and read is written down."""
        self._count_subgraph_errors(errors)
        codes = {error.fault.code for error in errors}
        asked, selected, decision = prepared.asked, prepared.selected, prepared.decision
        await self.audit(asked.request, selected, decision, exchange, codes)

    async def _open_parts(
        self, prepared: Prepared, request_id: str, returned: ResponseHeaders | None
    ) -> bytes | Payloads:
        """The first part is waited for: what cannot begin is refused like any other request."""
        parts = self._answer_in_parts(prepared, request_id, returned)
        first, has_next = await anext(parts)
        if has_next:
            return self._send_parts(first, parts)
        await parts.aclose()
        return first

    async def _send_parts(
        self, first: bytes, others: AsyncGenerator[tuple[bytes, bool], None]
    ) -> Payloads:
        """Counts as under way from its first step to its last, as any request does."""
        self.under_way += 1
        try:
            async with aclosing(others):
                yield first
                async for payload, _ in others:
                    yield payload
        finally:
            self.under_way -= 1

    async def _answer_in_parts(
        self, prepared: Prepared, request_id: str, returned: ResponseHeaders | None
    ) -> AsyncGenerator[tuple[bytes, bool], None]:
        """Each part with whether others follow."""
        asked, bill = prepared.asked, prepared.bill
        caller = prepared.identity.caller
        exchange = RequestExchange(self._peers, request_id, caller, asked.headers, returned)
        render = partial(
            render_part, request_id, asked.incremental, names_subgraphs=self._settings.open
        )
        whole: Any = None
        settled = False
        try:
            async with aclosing(self._run_in_parts(prepared, exchange)) as parts:
                async for part in parts:
                    await self._account_for(prepared, exchange, part.errors)
                    whole = add_part(whole, part)
                    cost = None
                    if bill is not None and not part.has_next:
                        settled, cost = True, bill.settle(whole)
                    yield render(part, cost=cost), part.has_next
        except PlanError as error:
            answer = self._without_plan(prepared.selected.document, request_id, error)
            yield await self._conclude(prepared, exchange, answer), False
        finally:
            if bill is not None and whole is not None and not settled:
                # Nobody waited for the rest.
                bill.settle(whole)

    async def _run_in_parts(
        self, prepared: Prepared, exchange: RequestExchange
    ) -> AsyncGenerator[Initial | Subsequent, None]:
        asked, decision = prepared.asked, prepared.decision
        parts = self._engine.run_deferred(
            prepared.selected.operation,
            asked.request.variables,
            exchange,
            authorize=lambda _: decision.permitted,
            labels=self._rollout.labels(prepared.identity, exchange.request_id),
            repeating=asked.incremental is Incremental.APOLLO_2022,
        )
        try:
            async with aclosing(parts):
                async for part in parts:
                    yield part
        except RequestError:
            # Refused before anything was asked of a subgraph.
            if prepared.bill is not None:
                prepared.bill.release()
            raise
        except PlanError:
            raise
        except Exception:
            await self.audit(asked.request, prepared.selected, decision, exchange, {Code.INTERNAL})
            raise

    async def _subscribe(self, prepared: Prepared, request_id: str, ending: Ending) -> Payloads:
        asked, identity = prepared.asked, prepared.identity
        exchange = RequestExchange(self._peers, request_id, identity.caller, asked.headers)
        try:
            subscription = self._engine.subscribe(
                prepared.selected.operation,
                asked.request.variables,
                authorize=lambda _: prepared.decision.permitted,
                labels=self._rollout.labels(identity, request_id),
            )
        except RequestError:
            # Refused before anything was asked of a subgraph.
            if prepared.bill is not None:
                prepared.bill.release()
            raise
        except PlanError as error:
            answer = self._without_plan(prepared.selected.document, request_id, error)
            yield await self._conclude(prepared, exchange, answer)
            return
        if identity.expires_at is not None:
            ending.end_at(identity.expires_at, IdentityError(Code.TOKEN_EXPIRED))
        answers = answer_events(
            self._engine, subscription, exchange, ending, lambda: self._check_again(prepared)
        )
        async with aclosing(answers):
            async for answer, conversation in answers:
                yield await self._conclude(prepared, conversation, answer)

    async def _stream(self, payloads: Callable[[Ending], Payloads]) -> Payloads:
        """Counts as under way from its first step to its last."""
        if self._retired is not None:
            raise self._retired
        ending = Ending()
        self._endings.add(ending)
        self.under_way += 1
        try:
            async with aclosing(payloads(ending)) as opened:
                async for payload in opened:
                    yield payload
        finally:
            self.under_way -= 1
            self._endings.discard(ending)
            ending.cancel()

    async def _check_again(self, prepared: Prepared) -> None:
        """Whether what was decided at the start still holds. Raises `GatewayError`."""
        asked = prepared.asked
        identity = await self.identify(asked.authorization, asked.certificate)
        decision = self.authorize(prepared.selected, identity)
        if identity.caller != prepared.identity.caller or not decision.equals(prepared.decision):
            raise AccessError(Code.ACCESS_CHANGED)

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
        caller = self._clients.bounded(verified.caller)
        return Identity(caller, self._grants_of(caller), verified.expires_at)

    def enter(self, identity: Identity) -> Account:
        """Who pays; raises `AccessError` for a client that is not let in, or `BusyError`."""
        client = self._clients.admit(identity.caller)
        name = identity.caller.client_id if identity.caller else ""
        account = Account(name, client.budget)
        self._till.enter(account)
        return account

    async def resolve(self, request: GraphQLRequest, identity: Identity) -> Document:
        name = identity.caller.client_id if identity.caller else ""
        client = self._clients.get(name)
        if client is None:
            return await self._documents.resolve(request, Reader(name))
        reader = Reader(name, client.limits, client.documents.trusted_only)
        return await self._documents.resolve(request, reader)

    def select(self, document: Document, asked: Asked, identity: Identity) -> Selected:
        in_parts = document.defers and asked.incremental is not Incremental.NONE
        selected = self._select(document, asked.request.operation_name, in_parts=in_parts)
        self._check_kind(selected.operation, asked)
        self._check_introspection(selected, identity)
        return selected

    def authorize(self, selected: Selected, identity: Identity) -> Decision:
        key = (
            selected.document.hash,
            selected.operation.name,
            selected.in_parts,
            identity.grants,
        )
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

    async def explain(self, asked: Asked) -> dict[str, Any]:
        """The plan of an operation for this caller, its cost and what it leaves out, as JSON."""
        asked = msgspec.structs.replace(asked, subscribes=True)
        prepared = await self._prepare(asked, request_id=None)
        decision = prepared.decision
        try:
            labels = self._rollout.labels(prepared.identity)
            planned = self._engine.plan(decision.permitted.operation, labels)
        except PlanError:
            raise FaultError(Code.PLAN_FAILED) from None
        return {
            "cost": {
                **asdict(plan_cost(planned.plan)),
                **self._demand.explain(decision.permitted.operation, asked.request.variables),
            },
            "denied": decision.describe(),
            "decisions": describe(self._decisions_of(prepared)),
            "plan": print_plan(planned.plan),
        }

    def _decisions_of(self, prepared: Prepared) -> tuple[FieldDecision, ...]:
        identity, operation = prepared.identity, prepared.selected.operation
        rulings = self._grants_of.rulings(identity.caller, policy_names(self._rules))
        return explain_decisions(
            operation, self._rules, identity.grants, self._engine.schema, rulings
        )

    def limits_of(self, client_id: str) -> Limits | None:
        """Those of a registered client; None for everyone's."""
        client = self._clients.get(client_id)
        return client.limits if client is not None else None

    def warm(self, text: str, client_id: str = "") -> None:
        """Do for a document of a client, before anyone asks for it, what is the same each time.

        Raises `RequestError` or `PlanError` where the schema cannot run it.
        """
        document = self._documents.prepare(text, self.limits_of(client_id))
        names = [*document.operations, *([None] if len(document.operations) == 1 else ())]
        for name in names:
            for in_parts in {False, document.defers}:
                operation = self._select(document, name, in_parts=in_parts).operation
                # Those that depend on a variable mostly are.
                operation = settle(operation, defaultdict(lambda: True))
                self._engine.plan(operation, self._rollout.usual)

    def _select(
        self, document: Document, operation_name: str | None, *, in_parts: bool = False
    ) -> Selected:
        key = (document.hash, operation_name, in_parts)
        selected = self._operations.get(key)
        if selected is None:
            document.operation(operation_name)
            try:
                operation = self._engine.normalize(
                    document.node, operation_name, deferring=in_parts
                )
            except OperationTooLargeError as error:
                complaint = Complaint(PublicText(f"{error}.".capitalize()))
                raise RequestError(Code.OPERATION_TOO_LARGE, complaint) from None
            selected = Selected(document, operation, in_parts)
            self._operations.put(key, selected, weight=_size(operation.selections))
        return selected

    def _count_subgraph_errors(self, errors: Iterable[ResponseError]) -> None:
        """Each kind once, however many rows it hit."""
        for subgraph, code in {(each.fault.subgraph, each.fault.code) for each in errors}:
            if subgraph is not None:
                self._metrics.subgraph_errors.labels(subgraph, code).inc()

    def _without_plan(self, document: Document, request_id: str, error: PlanError) -> Answer:
        log.error(
            "plan_failed", request_id=request_id, operation_hash=document.hash, reason=str(error)
        )
        self._metrics.plans_failed.inc()
        return Answer(None, (ResponseError(fault_of(Code.PLAN_FAILED)),))

    def _check_kind(self, operation: Operation, asked: Asked) -> None:
        if operation.kind is OperationKind.SUBSCRIPTION and not asked.subscribes:
            raise RequestError(Code.STREAM_REQUIRED)
        if operation.kind is not OperationKind.QUERY and asked.request.by_get:
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


def _is_introspection(operation: Operation) -> bool:
    return all(
        isinstance(selection, Field) and selection.name in _META
        for selection in operation.selections
    )


def _size(selections: SelectionSet) -> int:
    return sum(1 + _size(each.selections) for each in selections)
