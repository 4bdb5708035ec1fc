"""What was decided before, for requests that are alike: found at once, or not at all.

A head that was seen leads to who asks, and what is asked to the way it takes. Nothing here asks
anyone or refuses anything: where something is not settled, has run out or looks wrong, there is no
passage, and the general way (`gateway.pipeline`) takes the request from its beginning.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec

from gateway.asked import Asked
from gateway.authorization.identity import Grants
from gateway.cache.lru import LruCache
from gateway.clients.clients import Clients
from gateway.demand.demand import Demand
from gateway.demand.till import Account, Till
from gateway.documents.request import GraphQLRequest
from gateway.documents.resolve import Documents, Reader
from gateway.engine import Engine, booleans_of
from gateway.errors import GatewayError
from gateway.execution.client import Headers
from gateway.execution.compiled.program import Program
from gateway.execution.compiled.programs import ProgramKey
from gateway.execution.http_client import header_lines
from gateway.flights import Sender
from gateway.operation.tree import OperationKind
from gateway.passage import Bearing, Passage, Surroundings, Tell, Way
from gateway.preparing import Preparation
from gateway.rollout import Rollout

STANDINGS: Final = 5_000
WAYS: Final = 5_000
WAYS_WEIGHT: Final = 1_000_000
"""Characters of the texts they are found by."""

_NONE: Final = frozenset[Any]()


class Head(msgspec.Struct, frozen=True):
    """What a request says before its body, as far as it decides anything here."""

    digest: bytes
    """Of all of it."""
    token: bytes | None
    """The digest of its bearer token; None where nobody signs in."""
    headers: Headers
    """Those that are propagated to the subgraphs."""


class Party:
    """All whom everything is decided alike for."""

    __slots__ = ()


class Standing(msgspec.Struct, frozen=True):
    """Of whoever sends a head."""

    bearing: Bearing
    party: Party
    reader: Reader
    until: float
    """Seconds since 1970."""


_MaybeWay: TypeAlias = Way | Literal[False]
"""False for what never has one."""
_Key: TypeAlias = tuple[Party, str | None, str | None, str | None]
"""Whose, the text, the document's id, the operation's name."""


class SettledWays:
    def __init__(
        self,
        around: Surroundings,
        engine: Engine,
        documents: Documents,
        preparation: Preparation,
        *,
        rollout: Rollout,
        clients: Clients,
        demand: Demand,
        till: Till,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is that of the tokens."""
        self._around = around
        self._engine = engine
        self._documents = documents
        self._preparation = preparation
        self._rollout = rollout
        self._clients = clients
        self._demand = demand
        self._till = till
        self._clock = clock
        self._standings: LruCache[bytes, Standing] = LruCache(STANDINGS)
        self._parties: LruCache[tuple[Reader, Grants], Party] = LruCache(STANDINGS)
        self._ways: LruCache[_Key, _MaybeWay] = LruCache(WAYS, weight=WAYS_WEIGHT)

    @property
    def under_way(self) -> int:
        return self._around.under_way

    def begin(
        self, head: Head, request: GraphQLRequest, request_id: str, tell: Tell
    ) -> Passage | None:
        """A passage that is under way, or None, and nothing has been done or counted."""
        standing = self._standings.get(head.digest)
        if standing is None or standing.until <= self._clock():
            standing = self._settle_standing(head)
            if standing is None:
                return None
        way = self._way(standing, request)
        if way is None:
            return None
        identity = standing.bearing.identity
        bill = None
        try:
            coerced = self._coerce(way, standing, request)
            program = self._program(way, self._rollout.labels(identity, request_id), coerced)
            if program is None:
                return None
            if way.price is not None:
                roles = identity.caller.roles if identity.caller else ()
                bill = self._demand.bill(way.price, request.variables, roles)
        except GatewayError:
            return None
        self._clients.note(identity.caller)
        passage = Passage(self._around, way, standing.bearing, request, request_id, bill, tell)
        passage.begin(program, coerced)
        return passage

    def _coerce(self, way: Way, standing: Standing, request: GraphQLRequest) -> dict[str, Any]:
        """Raises `RequestError`."""
        operation, variables = way.selected.operation, request.variables
        if not operation.variables and not variables:
            return {}
        self._documents.check_values(variables, standing.reader)
        return self._engine.coerce(operation, variables)

    def _program(
        self, way: Way, labels: frozenset[str], coerced: Mapping[str, Any]
    ) -> Program | None:
        key = way.program
        if coerced or labels:
            booleans = booleans_of(coerced)
            if booleans or labels:
                key = ProgramKey(key.operation, key.refusals, labels, booleans)
        return self._engine.programs.known(key)

    def _settle_standing(self, head: Head) -> Standing | None:
        known = self._preparation.known(head.token)
        if known is None:
            return None
        identity, until = known
        try:
            client = self._clients.find(identity.caller)
            lines = header_lines(head.headers)
        except (GatewayError, ValueError):
            return None
        if self._till.charges(Account(client.id, client.budget)):
            # Whoever pays may have to wait, or be refused, each time.
            return None
        reader = self._preparation.reader(identity)
        party = self._parties.get((reader, identity.grants))
        if party is None:
            party = Party()
            self._parties.put((reader, identity.grants), party)
        bearing = Bearing(identity, Sender(identity.caller, tuple(head.headers)), lines)
        standing = Standing(bearing, party, reader, until)
        self._standings.put(head.digest, standing)
        return standing

    def _way(self, standing: Standing, request: GraphQLRequest) -> Way | None:
        if request.on_denial is not None or request.persisted_query is not None:
            return None
        text, document_id = request.query, request.document_id
        key = (standing.party, text, document_id, request.operation_name)
        way = self._ways.get(key)
        if way is None or (way and way.until != math.inf and not self._documents.holds(way.until)):
            way = self._settle_way(standing, request)
            if way is not None:
                self._ways.put(key, way, weight=len(text or "") + len(document_id or ""))
        return way or None

    def _settle_way(self, standing: Standing, request: GraphQLRequest) -> _MaybeWay | None:
        """None for what may have one once it has been asked."""
        settled = self._documents.known(request, standing.reader)
        if settled is None:
            return None
        identity = standing.bearing.identity
        try:
            selected = self._preparation.select(settled.document, Asked(request), identity)
        except GatewayError:
            return None
        operation = selected.operation
        if operation.kind is not OperationKind.QUERY or settled.document.introspects:
            return False
        decision = self._preparation.decide(selected, identity)
        if decision.denials:
            return False
        price = self._demand.price(decision.permitted.operation) if self._demand.counts else None
        key = ProgramKey(operation, decision.permitted.refusals, _NONE, _NONE)
        return Way(selected, decision, price, key, settled.until)
