"""The subscriptions of one schema: each event authorized, completed and written down by itself."""

from __future__ import annotations

from contextlib import aclosing

from contract.errors import Code
from gateway.asked import Payloads
from gateway.engine import Engine
from gateway.errors import AccessError, GatewayError, IdentityError, RequestError
from gateway.exchange import Peers, RequestExchange
from gateway.flights import Sender
from gateway.ledger import Ledger, Prepared
from gateway.planning import PlanError
from gateway.preparing import Preparation
from gateway.rollout import Rollout
from gateway.streaming import Ending, answer_events


class Subscriptions:
    def __init__(
        self,
        engine: Engine,
        peers: Peers,
        rollout: Rollout,
        preparation: Preparation,
        ledger: Ledger,
    ) -> None:
        self._engine = engine
        self._peers = peers
        self._rollout = rollout
        self._preparation = preparation
        self._ledger = ledger
        self._endings: set[Ending] = set()
        self._retired: GatewayError | None = None
        self.under_way = 0

    def retire(self, reason: GatewayError) -> None:
        """All of them end with the reason, and none begins any more."""
        self._retired = reason
        for ending in self._endings:
            ending.end(reason)

    async def open(self, prepared: Prepared, request_id: str) -> Payloads:
        """Counts as under way from its first step to its last."""
        if self._retired is not None:
            raise self._retired
        ending = Ending()
        self._endings.add(ending)
        self.under_way += 1
        try:
            async with aclosing(self._payloads(prepared, request_id, ending)) as opened:
                async for payload in opened:
                    yield payload
        finally:
            self.under_way -= 1
            self._endings.discard(ending)
            ending.cancel()

    async def _payloads(self, prepared: Prepared, request_id: str, ending: Ending) -> Payloads:
        asked, identity = prepared.asked, prepared.identity
        sender = Sender(identity.caller, tuple(asked.headers))
        exchange = RequestExchange(self._peers, request_id, sender)
        try:
            subscription = self._engine.subscribe(
                prepared.selected.operation,
                asked.request.variables,
                authorize=lambda _: prepared.decision.permitted,
                labels=self._rollout.labels(identity, request_id),
            )
        except RequestError:
            # Refused before anyone listened.
            if prepared.bill is not None:
                prepared.bill.release()
            raise
        except PlanError as error:
            answer = self._ledger.without_plan(prepared.selected.document, request_id, error)
            yield await self._ledger.conclude(prepared, exchange, answer)
            return
        if identity.expires_at is not None:
            ending.end_at(identity.expires_at, IdentityError(Code.TOKEN_EXPIRED))
        answers = answer_events(
            self._engine, subscription, exchange, ending, lambda: self._check_again(prepared)
        )
        async with aclosing(answers):
            async for answer, conversation in answers:
                yield await self._ledger.conclude(prepared, conversation, answer)

    async def _check_again(self, prepared: Prepared) -> None:
        """Whether what was decided at the start still holds. Raises `GatewayError`."""
        asked = prepared.asked
        identity = await self._preparation.identify(asked.authorization, asked.certificate)
        decision = self._preparation.authorize(prepared.selected, identity)
        if identity.caller != prepared.identity.caller or not decision.equals(prepared.decision):
            raise AccessError(Code.ACCESS_CHANGED)
