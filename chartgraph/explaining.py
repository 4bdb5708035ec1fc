"""`chartgraph plan`: how an operation would be fetched, what that costs, and who may run it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from contract.context import Caller
from contract.errors import Code
from gateway.authorization.authorize import authorize
from gateway.authorization.explain import FieldDecision, explain_decisions
from gateway.authorization.grants import GrantsOf
from gateway.authorization.identity import Grants
from gateway.authorization.policy_files import read_policies
from gateway.bounds import Cost, Limits
from gateway.demand.demand import Price
from gateway.demand.weights import Weights, read_weights
from gateway.documents.prepare import prepare
from gateway.errors import RequestError
from gateway.federation.access_rules import AccessRules, access_rules, policy_names
from gateway.federation.errors import SupergraphError
from gateway.federation.supergraph import Supergraph, load_supergraph
from gateway.operation.deferred import settle
from gateway.operation.normalize import normalize
from gateway.operation.tree import Operation
from gateway.planning import PlanError, QueryGraph, build_query_graph, plan, print_plan
from gateway.planning.cost import plan_cost
from gateway.settings import SettingsError
from sandbox.personas import personas

ANYONE = "any"
"""Where a persona's own ids do not matter, since only scopes and policies decide about fields."""
UNEXPLAINED = (
    SettingsError,
    SupergraphError,
    RequestError,
    PlanError,
    OSError,
    UnicodeDecodeError,
)
"""What keeps an operation from being explained: shown by `complaint`."""


@dataclass(frozen=True, slots=True)
class Explainer:
    """One supergraph with the policies that decide about it."""

    graph: Supergraph
    rules: AccessRules
    query_graph: QueryGraph
    grants_of: GrantsOf
    weights: Weights

    @classmethod
    def read(cls, supergraph: Path, policies: Path) -> Explainer:
        """Raises one of `UNEXPLAINED`."""
        graph = load_supergraph(supergraph.read_text(encoding="utf-8"))
        grants_of = GrantsOf(read_policies(policies))
        query_graph = build_query_graph(graph)
        return cls(graph, access_rules(graph), query_graph, grants_of, read_weights(graph))

    def operation(self, path: Path, name: str | None) -> Operation:
        document = prepare(path.read_text(encoding="utf-8"), self.graph.api_schema, Limits())
        document.operation(name)
        operation = normalize(document.node, name, self.graph.api_schema, deferring=True)
        # What is deferred only if a variable says so is shown deferred.
        return settle(operation, defaultdict(lambda: True))

    def explain(self, operation: Operation) -> Iterator[str]:
        """Paragraphs: the plan of the whole, its cost, and who may run it."""
        yield from self._plan(operation)
        yield "\n".join(("Who may run it:", *self._who(operation)))

    def explain_to(self, caller: Caller, operation: Operation) -> Iterator[str]:
        """Paragraphs: the plan for one caller, its cost, and who decided what."""
        grants = self.grants_of(caller)
        permitted = authorize(operation, self.rules, grants, self.graph.api_schema).operation
        if permitted.selections:
            yield from self._plan(permitted)
        else:
            yield "Nothing of it is permitted, so nothing is fetched."
        rulings = self.grants_of.rulings(caller, policy_names(self.rules))
        decisions = explain_decisions(operation, self.rules, grants, self.graph.api_schema, rulings)
        yield "\n".join(("Who decides:", *map(_line, decisions)))

    def _plan(self, operation: Operation) -> Iterator[str]:
        query_plan = plan(operation, self.query_graph)
        cost = plan_cost(query_plan)
        yield print_plan(query_plan)
        # Without variables lists are as long as the schema says they may be.
        points = Price(operation, self.weights, Cost()).estimate({})
        yield (
            f"Cost: {cost.requests} subgraph requests, at most {cost.depth} one after another;"
            f" {points} points where the variables say nothing of lists."
        )

    def _who(self, operation: Operation) -> Iterator[str]:
        yield f"  {'nobody signed in':<16} {self._verdict(operation, Grants())}"
        for name, caller in persona_callers().items():
            yield f"  {name:<16} {self._verdict(operation, self.grants_of(caller))}"

    def _verdict(self, operation: Operation, grants: Grants) -> str:
        authorized = authorize(operation, self.rules, grants, self.graph.api_schema)
        denied = sorted({".".join(denial.path) for denial in authorized.denials})
        if not denied:
            return "all of it"
        if not authorized.operation.selections:
            return "nothing of it"
        return f"without {', '.join(denied)}"


def persona_callers() -> Mapping[str, Caller]:
    """The sandbox's personas as their tokens would make them."""
    return {
        each.name: Caller(
            each.subject,
            client_id=each.client_id,
            roles=each.roles,
            scopes=each.scopes,
            purpose=each.purpose,
            organization=each.organization,
        )
        for each in personas(ANYONE, ANYONE).values()
    }


def complaint(error: Exception) -> str:
    if isinstance(error, RequestError):
        return "\n".join(f"{error.code}: {each.message}" for each in error.complaints)
    if isinstance(error, PlanError):
        return f"{Code.PLAN_FAILED}: {error}"
    return str(error)


def _line(decision: FieldDecision) -> str:
    verdict = "permitted" if decision.permitted else "REFUSED"
    place = ".".join(decision.path)
    return f"  {verdict:<9} {place} ({', '.join(decision.types)}): {'; '.join(decision.reasons)}"
