"""From an operation to the plan of what is fetched from where."""

from gateway.planning.build import build_query_graph
from gateway.planning.errors import PlanError
from gateway.planning.plan import QueryPlan
from gateway.planning.planner import plan
from gateway.planning.print_plan import print_plan
from gateway.planning.query_graph import QueryGraph

__all__ = ["PlanError", "QueryGraph", "QueryPlan", "build_query_graph", "plan", "print_plan"]
