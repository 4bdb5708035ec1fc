"""Cold planning of every operation of the federation gateway audit.

    python -m bench.planning [FOLDER]

FOLDER holds a folder for each suite, with `supergraph.graphql` and `tests.json`; without it, the
real inputs beside the repository. Cold: each operation is normalized and planned once, by a query
graph that never planned anything. Beside it, in the same run, graphql-core parses and validates
the same text, at its best of five; what it finds invalid is left out.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from graphql import DocumentNode, GraphQLSchema, parse, validate

from bench.measuring import cpu_seconds, table
from gateway.federation.supergraph import load_supergraph
from gateway.operation import normalize
from gateway.planning import PlanError, QueryGraph, build_query_graph, plan

REPEATS = 5

AUDIT = Path(__file__).parents[2] / "shared" / "data" / "federation-audit"


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of CPU."""

    label: str
    validating: float
    planning: float
    """Normalizing included."""

    @property
    def ratio(self) -> float:
        return self.planning / self.validating


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else AUDIT
    measured = [
        each
        for suite in sorted(path for path in folder.iterdir() if path.is_dir())
        for each in _measure(suite)
    ]
    ratios = sorted(each.ratio for each in measured)
    slowest = max(measured, key=lambda each: each.planning)
    rows = [
        ["operations", f"{len(measured)}", ""],
        [
            "median ratio to parsing and validating",
            f"{statistics.median(ratios):.1f}",
            "at most 15",
        ],
        ["ratio that nine of ten keep within", f"{ratios[len(ratios) * 9 // 10]:.1f}", ""],
        ["greatest ratio", f"{ratios[-1]:.1f}", ""],
        ["median, ms", f"{1e3 * statistics.median(e.planning for e in measured):.2f}", ""],
        ["slowest, ms", f"{1e3 * slowest.planning:.1f} ({slowest.label})", "at most 500"],
    ]
    sys.stdout.write(table(["normalizing and planning, cold", "measured", "to be"], rows))


def _measure(suite: Path) -> Iterator[Measured]:
    supergraph = load_supergraph((suite / "supergraph.graphql").read_text())
    schema = supergraph.api_schema
    for number, test in enumerate(json.loads((suite / "tests.json").read_text())):
        query = test["query"]
        document = parse(query)
        if validate(schema, document):
            continue
        planning = cpu_seconds(partial(_plan, document, schema, build_query_graph(supergraph)))
        validating = cpu_seconds(partial(_validate, query, schema), REPEATS)
        yield Measured(f"{suite.name} {number}", validating, planning)


def _plan(document: DocumentNode, schema: GraphQLSchema, graph: QueryGraph) -> None:
    # There are operations the audit has no plan for: finding that out counts too.
    with suppress(PlanError):
        plan(normalize(document, None, schema), graph)


def _validate(query: str, schema: GraphQLSchema) -> None:
    validate(schema, parse(query))


if __name__ == "__main__":
    main()
