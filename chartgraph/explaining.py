"""`chartgraph plan`: how an operation would be fetched, what that costs, and who may run it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from contract.errors import Code
from gateway.authorization.authorize import authorize
from gateway.authorization.identity import Grants
from gateway.bounds import Limits
from gateway.documents.prepare import prepare
from gateway.errors import RequestError
from gateway.federation.access_rules import AccessRules, access_rules
from gateway.federation.errors import SupergraphError
from gateway.federation.supergraph import Supergraph, load_supergraph
from gateway.operation.normalize import normalize
from gateway.operation.tree import Operation
from gateway.planning import PlanError, build_query_graph, plan, print_plan
from gateway.planning.cost import plan_cost
from sandbox.personas import personas

ANYONE = "any"
"""Where a persona's own ids do not matter, since only scopes decide about fields."""


UNEXPLAINED = (SupergraphError, RequestError, PlanError, OSError, UnicodeDecodeError)
"""What keeps an operation from being explained: shown by `complaint`."""


def explain(operation: Path, supergraph: Path, name: str | None) -> Iterator[str]:
    """The paragraphs of the explanation; raises one of `UNEXPLAINED` where there is none."""
    graph = load_supergraph(supergraph.read_text(encoding="utf-8"))
    document = prepare(operation.read_text(encoding="utf-8"), graph.api_schema, Limits())
    document.operation(name)
    normalized = normalize(document.node, name, graph.api_schema)
    query_plan = plan(normalized, build_query_graph(graph))
    cost = plan_cost(query_plan)
    yield print_plan(query_plan)
    yield f"Cost: {cost.requests} subgraph requests, at most {cost.depth} one after another."
    yield "\n".join(("Who may run it:", *_who(normalized, graph)))


def complaint(error: Exception) -> str:
    if isinstance(error, RequestError):
        return "\n".join(f"{error.code}: {each.message}" for each in error.complaints)
    if isinstance(error, PlanError):
        return f"{Code.PLAN_FAILED}: {error}"
    return str(error)


def _who(operation: Operation, graph: Supergraph) -> Iterator[str]:
    rules = access_rules(graph)
    yield f"  {'nobody signed in':<16} {_verdict(operation, rules, Grants(), graph)}"
    for persona in personas(ANYONE, ANYONE).values():
        grants = Grants(authenticated=True, scopes=frozenset(persona.scopes))
        yield f"  {persona.name:<16} {_verdict(operation, rules, grants, graph)}"


def _verdict(operation: Operation, rules: AccessRules, grants: Grants, graph: Supergraph) -> str:
    authorized = authorize(operation, rules, grants, graph.api_schema)
    denied = sorted({".".join(denial.path) for denial in authorized.denials})
    if not denied:
        return "all of it"
    if not authorized.operation.selections:
        return "nothing of it"
    return f"without {', '.join(denied)}"
