"""One schema at work: from a normalized operation and its variables to the client's answer.

    requested ── authorize ──> permitted ── plan ──> QueryPlan ── execute ──> fetched ── project ──>

An engine belongs to one supergraph. On a reload a new one takes its place whole, with its own
schema, clients and caches; requests under way finish on the old one, which is then closed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeAlias

import msgspec
from graphql import DocumentNode

from gateway.cache.lru import LruCache
from gateway.execution.client import SubgraphClient, SubgraphError
from gateway.execution.compiled.errors import UnusualAnswerError
from gateway.execution.compiled.program import Program
from gateway.execution.compiled.programs import ProgramKey, Programs
from gateway.execution.compiled.run import run_program
from gateway.execution.deliver import Delivery, Initial, Subsequent
from gateway.execution.execute import (
    Exchange,
    Fetched,
    execute,
    execute_event,
    subscription_body,
)
from gateway.execution.execute_parts import PartsExecution
from gateway.execution.faults import ResponseError
from gateway.execution.groups import GroupBySets, GroupShape, group_by_part, resolve_groups
from gateway.execution.introspection import Introspection, introspect, split_introspection
from gateway.execution.once import OnceExchange
from gateway.execution.project import project
from gateway.execution.resolve import Denials, resolve_shape
from gateway.execution.shapes import ObjectShape
from gateway.execution.variables import coerce_variables
from gateway.federation.supergraph import Supergraph, load_supergraph
from gateway.operation.deferred import PRIMARY, deferrals, settle
from gateway.operation.normalize import normalize
from gateway.operation.tree import Operation, SelectionSet
from gateway.planning import PlanError, build_query_graph, plan
from gateway.planning.plan import (
    ConditionNode,
    DeferNode,
    FetchNode,
    ParallelNode,
    PlanRoot,
    QueryPlan,
    SequenceNode,
    SubscriptionNode,
)

MAX_PLANS: Final = 10_000
MAX_PLAN_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class Permitted:
    """What is left of an operation, and what to tell about the fields that are not."""

    operation: Operation
    denials: Denials = field(default_factory=dict)

    @cached_property
    def refusals(self) -> frozenset[tuple[Any, ...]]:
        """What of the denials a client is told, to be compared; a decision is used many times."""
        # Two callers may lack different scopes for one field: each is told of its own.
        return frozenset(
            (field_, fault.code, *fault.extensions.items())
            for field_, fault in self.denials.items()
        )


Authorize: TypeAlias = Callable[[Operation], Permitted]


class Answer(msgspec.Struct, frozen=True):
    data: dict[str, Any] | msgspec.Struct | None
    """JSON, or what is encoded as JSON."""
    errors: tuple[ResponseError, ...]
    plan: QueryPlan | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    plan: QueryPlan
    introspections: tuple[Introspection, ...]
    """What the gateway answers itself."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that is planned: where to listen, and how to complete what comes."""

    operation: Operation
    permitted: Permitted
    variables: Mapping[str, Any]
    """Coerced."""
    plan: QueryPlan
    node: SubscriptionNode | None
    """None where nothing is left to listen to, for all of it was refused."""

    @property
    def source(self) -> tuple[str, bytes] | None:
        """The subgraph that has the events, and what to send it."""
        if self.node is None:
            return None
        return self.node.primary.subgraph, subscription_body(self.node, self.variables)


class Engine:
    def __init__(self, supergraph: Supergraph, clients: Mapping[str, SubgraphClient]) -> None:
        """`clients` by the subgraphs' names; the pipeline's exchange sends through them."""
        self.schema = supergraph.api_schema
        self.supergraph = supergraph
        self.clients = clients
        self.override_labels = supergraph.override_labels
        """Of fields on the move between subgraphs; the pipeline tells which are on."""
        self._query_graph = build_query_graph(supergraph)
        self._plans = LruCache[tuple[Operation, frozenset[str]], Planned | PlanError](
            MAX_PLANS, weight=MAX_PLAN_BYTES
        )
        self._shapes = LruCache[Any, ObjectShape](MAX_PLANS, weight=MAX_PLAN_BYTES)
        self.programs = Programs(supergraph)

    @classmethod
    def load(cls, sdl: str, clients: Mapping[str, SubgraphClient]) -> Engine:
        """Raises SupergraphError for what is no supergraph."""
        return cls(load_supergraph(sdl), clients)

    async def close(self) -> None:
        for client in self.clients.values():
            await client.close()

    def normalize(
        self, document: DocumentNode, operation_name: str | None, *, deferring: bool = False
    ) -> Operation:
        """The document is valid; the result is worth keeping beside it.

        Unless `deferring`, `@defer` says nothing, and everything is answered at once.
        """
        return normalize(document, operation_name, self.schema, deferring=deferring)

    async def run(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        exchange: Exchange,
        *,
        authorize: Authorize = Permitted,
        labels: frozenset[str] = frozenset(),
    ) -> Answer:
        """Answer a query or a mutation.

        Raises RequestError for variables that do not fit, and PlanError; what fails later is in
        the answer.
        `labels` are those of `override_labels` that are on for this request.
        """
        coerced = self.coerce(operation, variables)
        permitted = authorize(operation)
        planned = self.plan(permitted.operation, labels)
        once = OnceExchange(exchange)
        program = self._program(operation, permitted, planned, labels, coerced)
        if program is not None:
            try:
                return Answer(await run_program(program, coerced, once), (), planned.plan)
            except UnusualAnswerError:
                # What has been asked is known to the exchange, and is not asked again.
                pass
        fetched = await execute(planned.plan, coerced, once)
        introspect(planned.introspections, fetched.data, operation, coerced, self.schema)
        shape = self._shape(operation, permitted, coerced)
        projected = project(shape, fetched.data, fetched.errors)
        return Answer(projected.data, projected.errors, planned.plan)

    def subscribe(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        *,
        authorize: Authorize = Permitted,
        labels: frozenset[str] = frozenset(),
    ) -> Subscription:
        """Raises RequestError for variables that do not fit, and PlanError."""
        coerced = self.coerce(operation, variables)
        permitted = authorize(operation)
        planned = self.plan(permitted.operation, labels).plan
        assert planned.node is None or isinstance(planned.node, SubscriptionNode)
        return Subscription(operation, permitted, coerced, planned, planned.node)

    async def answer_event(
        self, subscription: Subscription, event: bytes | SubgraphError | None, exchange: Exchange
    ) -> Answer:
        """One event's answer; None stands for the one answer where there is nothing to hear."""
        fetched = Fetched({}, ())
        if subscription.node is not None and event is not None:
            fetched = await execute_event(
                subscription.node, event, subscription.variables, exchange
            )
        shape = self._shape(subscription.operation, subscription.permitted, subscription.variables)
        projected = project(shape, fetched.data, fetched.errors)
        return Answer(projected.data, projected.errors, subscription.plan)

    async def run_deferred(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        exchange: Exchange,
        *,
        authorize: Authorize = Permitted,
        labels: frozenset[str] = frozenset(),
        repeating: bool = False,
    ) -> AsyncGenerator[Initial | Subsequent, None]:
        """Answer a query or a mutation in parts; the first comes before anything it defers.

        Where `repeating`, a part brings all that it selects, be it delivered before or not.
        Raises as `run` does. Closing it ends all that is under way.
        """
        coerced = self.coerce(operation, variables)
        permitted = authorize(operation)
        planned = self.plan(settle(permitted.operation, coerced), labels)
        operation = settle(operation, coerced)
        parts = deferrals(operation.selections)
        shape = self._group_shape(operation, permitted, coerced, repeating=repeating)
        whole = self._shape(operation, permitted, coerced)
        node = planned.plan.node
        assert not isinstance(node, SubscriptionNode), "events are answered one by one"
        if not isinstance(node, DeferNode):
            node = DeferNode(node, ())
        async with PartsExecution(node, coerced, exchange) as execution:
            delivery = Delivery(shape, whole, parts, execution.errors)
            await execution.wait({PRIMARY})
            introspect(planned.introspections, execution.data, operation, coerced, self.schema)
            payload: Initial | Subsequent = delivery.begin(execution.data)
            yield payload
            while payload.has_next:
                complete = await execution.wait(delivery.awaited)
                introspect(planned.introspections, execution.data, operation, coerced, self.schema)
                payload = delivery.go_on(complete)
                yield payload

    def coerce(self, operation: Operation, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Raises RequestError."""
        return coerce_variables(operation.variables, variables, self.schema)

    def plan(self, operation: Operation, labels: frozenset[str]) -> Planned:
        """Raises PlanError where no plan exists, for which composition is to blame."""
        key = (operation, labels)
        planned = self._plans.get(key)
        if planned is None:
            try:
                planned = self._plan(operation, labels)
            except PlanError as error:
                # To search in vain takes longest: whoever asks again is told what was found.
                self._plans.put(key, error, weight=_shape_bytes(operation.selections))
                raise
            self._plans.put(key, planned, weight=_plan_bytes(planned.plan.node))
        if isinstance(planned, PlanError):
            raise PlanError(str(planned))
        return planned

    def _plan(self, operation: Operation, labels: frozenset[str]) -> Planned:
        ordinary, introspections = split_introspection(operation, self.schema)
        if not ordinary.selections:
            return Planned(QueryPlan(None), introspections)
        return Planned(plan(ordinary, self._query_graph, labels), introspections)

    def _program(
        self,
        operation: Operation,
        permitted: Permitted,
        planned: Planned,
        labels: frozenset[str],
        coerced: Mapping[str, Any],
    ) -> Program | None:
        if planned.introspections:
            return None
        key = ProgramKey(operation, permitted.refusals, labels, booleans_of(coerced))
        return self.programs.find(
            key, planned.plan, lambda: self._shape(operation, permitted, coerced)
        )

    def _shape(
        self, operation: Operation, permitted: Permitted, coerced: Mapping[str, Any]
    ) -> ObjectShape:
        key = (operation, booleans_of(coerced), permitted.refusals)
        shape = self._shapes.get(key)
        if shape is None:
            shape = resolve_shape(operation, self.schema, permitted.denials, coerced)
            self._shapes.put(key, shape, weight=_shape_bytes(operation.selections))
        return shape

    def _group_shape(
        self,
        operation: Operation,
        permitted: Permitted,
        coerced: Mapping[str, Any],
        *,
        repeating: bool,
    ) -> GroupShape:
        key = (operation, booleans_of(coerced), permitted.refusals, repeating)
        shape = self._shapes.get(key)
        if shape is None:
            parents = {each.number: each.parent for each in deferrals(operation.selections)}
            grouping = group_by_part if repeating else GroupBySets(parents)
            shape = resolve_groups(operation, self.schema, permitted.denials, coerced, grouping)
            self._shapes.put(key, shape, weight=_shape_bytes(operation.selections))
        assert isinstance(shape, GroupShape), "no other shape has such a key"
        return shape


def booleans_of(coerced: Mapping[str, Any]) -> frozenset[tuple[str, bool]]:
    """Only they can change which fields there are."""
    return frozenset(item for item in coerced.items() if isinstance(item[1], bool))


def _plan_bytes(node: PlanRoot | None) -> int:
    """About what a plan takes, with the operation it was made for."""
    match node:
        case FetchNode(document=document):
            return 4_000 + 4 * len(document)
        case SequenceNode(nodes) | ParallelNode(nodes):
            return sum(map(_plan_bytes, nodes))
        case ConditionNode(if_true=if_true, if_false=if_false):
            return _plan_bytes(if_true) + _plan_bytes(if_false)
        case SubscriptionNode(primary, rest):
            return _plan_bytes(primary) + _plan_bytes(rest)
        case DeferNode(primary, deferred):
            return _plan_bytes(primary) + sum(_plan_bytes(each.node) for each in deferred)
    return 4_000


def _shape_bytes(selections: SelectionSet) -> int:
    return sum(1_000 + _shape_bytes(each.selections) for each in selections)
