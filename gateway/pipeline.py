"""From a client's request to the bytes of its answer, stage by stage.

    identify ─ enter ─ resolve ─ select ─ authorize ─ charge ─ run ─ audit ─ render ─> bytes

A subscription runs the last three for each of its events (`gateway.streaming`). Each stage is a
method of its own name. Whatever ends a request whole is raised as a `GatewayError`; `gateway.http`
turns it into a status and a body.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from contract.errors import Code
from gateway.asked import Asked, Incremental, Payloads
from gateway.authorization.grants import GrantsOf
from gateway.authorization.identity import Identity
from gateway.bounds import Limits, OnDenial
from gateway.clients.clients import Clients
from gateway.decision import RejectedError, check_whole, describe
from gateway.demand.demand import Demand
from gateway.demand.till import Account, Till
from gateway.departure import ClientGoneError
from gateway.documents.resolve import Documents
from gateway.engine import Engine
from gateway.errors import (
    FaultError,
    GatewayError,
    RequestError,
)
from gateway.exchange import Peers, RequestExchange
from gateway.execution.deliver import Initial, Subsequent
from gateway.execution.execute import Exchange
from gateway.execution.response_headers import ResponseHeaders
from gateway.execution.variables import coerce_variables
from gateway.federation.access_rules import AccessRules
from gateway.flights import Sender
from gateway.incremental.render import render_part
from gateway.incremental.whole import add_part
from gateway.ledger import Ledger, Prepared
from gateway.operation.deferred import settle
from gateway.operation.tree import (
    OperationKind,
)
from gateway.passage import Surroundings
from gateway.planning import PlanError, print_plan
from gateway.planning.cost import plan_cost
from gateway.preparing import Preparation
from gateway.rollout import Rollout
from gateway.settings import Settings
from gateway.settled import SettledWays
from gateway.subscriptions import Subscriptions
from gateway.telemetry import Metrics

if TYPE_CHECKING:
    from gateway.audit.trail import AuditTrail
    from gateway.authorization.tokens import TokenVerifier


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
        self._documents = documents
        self._peers = peers
        self._clients = clients
        self._demand = demand
        self._till = till
        self._rollout = rollout
        self.preparation = Preparation(
            settings,
            engine,
            rules,
            documents,
            metrics=metrics,
            grants_of=grants_of,
            clients=clients,
            verifier=verifier,
        )
        self._ledger = Ledger(metrics, trail, names_subgraphs=settings.open)
        self._subscriptions = Subscriptions(engine, peers, rollout, self.preparation, self._ledger)
        self.settled = SettledWays(
            Surroundings(peers, self._ledger, self._answer),
            engine,
            documents,
            self.preparation,
            rollout=rollout,
            clients=clients,
            demand=demand,
            till=till,
        )
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """Requests this pipeline is answering."""
        return self._under_way + self._subscriptions.under_way + self.settled.under_way

    async def answer(
        self, asked: Asked, request_id: str, returned: ResponseHeaders | None = None
    ) -> bytes:
        """Raises `GatewayError` where there is nothing to answer.

        `returned` takes the headers that came with the subgraphs' answers.
        """
        self._under_way += 1
        try:
            prepared = await self._prepare(asked, request_id)
            exchange = self._exchange(prepared, request_id, returned)
            return await self._answer(prepared, exchange, exchange)
        finally:
            self._under_way -= 1

    async def open(
        self, asked: Asked, request_id: str, returned: ResponseHeaders | None = None
    ) -> bytes | Payloads:
        """The answer, or where it comes in several payloads, those. Raises `GatewayError`."""
        self._under_way += 1
        try:
            prepared = await self._prepare(asked, request_id)
            if prepared.selected.operation.kind is OperationKind.SUBSCRIPTION:
                return self._subscriptions.open(prepared, request_id)
            if prepared.selected.in_parts:
                return await self._open_parts(prepared, request_id, returned)
            exchange = self._exchange(prepared, request_id, returned)
            return await self._answer(prepared, exchange, exchange)
        finally:
            self._under_way -= 1

    def retire(self, reason: GatewayError) -> None:
        """Another pipeline takes over, or none: what would go on for long ends with the reason."""
        self._subscriptions.retire(reason)

    async def _prepare(self, asked: Asked, request_id: str | None) -> Prepared:
        """Without the id of a request it is not going to run."""
        identity = await self.preparation.identify(asked.authorization, asked.certificate)
        account = self.enter(identity)
        try:
            document = await self.preparation.resolve(asked.request, identity)
            selected = self.preparation.select(document, asked, identity)
            decision = self.preparation.authorize(selected, identity)
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
            exchange = self._exchange(prepared, request_id)
            codes = {each.code for each in error.denials}
            await self._ledger.audit(prepared, exchange, codes)
            raise

    def _exchange(
        self, prepared: Prepared, request_id: str, returned: ResponseHeaders | None = None
    ) -> RequestExchange:
        sender = Sender(prepared.identity.caller, tuple(prepared.asked.headers))
        return RequestExchange(self._peers, request_id, sender, returned)

    async def _answer(
        self, prepared: Prepared, exchange: RequestExchange, asking: Exchange
    ) -> bytes:
        """`asking` is the exchange, or stands before it."""
        asked, selected, decision = prepared.asked, prepared.selected, prepared.decision
        request_id, returned = exchange.request_id, exchange.returned
        try:
            running = self._engine.run(
                selected.operation,
                asked.request.variables,
                asking,
                authorize=lambda _: decision.permitted,
                labels=self._rollout.labels(prepared.identity, request_id),
            )
            if asked.departure is not None and selected.operation.kind is OperationKind.QUERY:
                answer = await asked.departure.ends(running)
            else:
                answer = await running
        except RequestError:
            # Refused before anything was asked of a subgraph.
            if prepared.bill is not None:
                prepared.bill.release()
            raise
        except PlanError as error:
            answer = self._ledger.without_plan(selected.document, request_id, error)
        except ClientGoneError:
            await self._ledger.audit(prepared, exchange, set())
            raise
        except Exception:
            await self._ledger.audit(prepared, exchange, {Code.INTERNAL})
            raise
        if returned is not None:
            returned.incomplete = bool(answer.errors)
        return await self._ledger.conclude(prepared, exchange, answer)

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
        self._under_way += 1
        try:
            async with aclosing(others):
                yield first
                async for payload, _ in others:
                    yield payload
        finally:
            self._under_way -= 1

    async def _answer_in_parts(
        self, prepared: Prepared, request_id: str, returned: ResponseHeaders | None
    ) -> AsyncGenerator[tuple[bytes, bool], None]:
        """Each part with whether others follow."""
        asked, bill = prepared.asked, prepared.bill
        exchange = self._exchange(prepared, request_id, returned)
        render = partial(
            render_part, request_id, asked.incremental, names_subgraphs=self._ledger.names_subgraphs
        )
        whole: Any = None
        settled = False
        try:
            async with aclosing(self._run_in_parts(prepared, exchange)) as parts:
                async for part in parts:
                    await self._ledger.account_for(prepared, exchange, part.errors)
                    whole = add_part(whole, part)
                    cost = None
                    if bill is not None and not part.has_next:
                        settled, cost = True, bill.settle(whole)
                    yield render(part, cost=cost), part.has_next
        except PlanError as error:
            answer = self._ledger.without_plan(prepared.selected.document, request_id, error)
            yield await self._ledger.conclude(prepared, exchange, answer), False
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
            await self._ledger.audit(prepared, exchange, {Code.INTERNAL})
            raise

    def enter(self, identity: Identity) -> Account:
        """Who pays; raises `AccessError` for a client that is not let in, or `BusyError`."""
        client = self._clients.admit(identity.caller)
        name = identity.caller.client_id if identity.caller else ""
        account = Account(name, client.budget)
        self._till.enter(account)
        return account

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
        decisions = self.preparation.rulings(prepared.selected, prepared.identity)
        return {
            "cost": {
                **asdict(plan_cost(planned.plan)),
                **self._demand.explain(decision.permitted.operation, asked.request.variables),
            },
            "denied": decision.describe(),
            "decisions": describe(decisions),
            "plan": print_plan(planned.plan),
        }

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
                operation = self.preparation.operation(document, name, in_parts=in_parts).operation
                # Those that depend on a variable mostly are.
                operation = settle(operation, defaultdict(lambda: True))
                self._engine.plan(operation, self._rollout.usual)
