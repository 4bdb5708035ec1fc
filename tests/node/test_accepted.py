"""Supergraphs we compose are taken by two gateways nobody here wrote.

@apollo/gateway must plan each operation too; Hive's plans while it executes, so it must load the
supergraph and find the operations valid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from graphql import parse, validate

from gateway.composition import SubgraphInput, compose
from gateway.composition.config import read_config
from gateway.federation.supergraph import load_supergraph
from tests.node.outside_gateways import HERE, Case, refusals
from tests.shared_data import shared_data

pytestmark = pytest.mark.node

SCHEMA = HERE.parents[1] / "schema"

SUITES, RECORDED = 46, 211

# What a gateway refuses of the reference composer's own supergraph as well, with the reason.
REFUSED = json.loads((HERE / "refused.json").read_text())

# @apollo/gateway enforces no security directive, and rightly refuses a supergraph that needs it.
ENFORCED = re.compile(
    r'(@link\(url: "[^"]*/(?:authenticated|requiresScopes|policy|context)/[^)]*)'
    r", for: SECURITY"
)


def test_our_own_graph():
    sdl = compose(read_config(SCHEMA / "supergraph.yaml")).sdl
    texts = {path.stem: path.read_text() for path in SCHEMA.glob("operations/*.graphql")}
    # Neither of the two knows @defer.
    operations = {name: text for name, text in texts.items() if "@defer" not in text}
    assert operations
    assert refusals(_for_both("chartgraph", sdl, operations)) == {"apollo": {}, "hive": {}}


def test_security_directives_are_all_that_apollo_refuses_of_it():
    sdl = compose(read_config(SCHEMA / "supergraph.yaml")).sdl
    refused = refusals([Case("chartgraph", "apollo", sdl)])["apollo"]["chartgraph"]
    unsupported = set(re.findall(r"dev/(\w+)/\S+ is for: SECURITY but is unsupported", refused))
    assert unsupported
    assert unsupported <= {"authenticated", "requiresScopes", "policy"}


@pytest.mark.shared_data
def test_the_audits_sets():
    suites = [path for path in shared_data("federation-audit").iterdir() if path.is_dir()]
    cases = [case for suite in suites for case in _of_suite(suite, _composed(suite))]
    assert (len(suites), _names(refusals(cases))) == (SUITES, _names(REFUSED))


@pytest.mark.shared_data
def test_what_is_refused_is_refused_of_the_reference_composer_too():
    listed = {name.partition(" ")[0] for names in REFUSED.values() for name in names}
    suites = [shared_data("federation-audit", name) for name in listed]
    theirs = [
        case
        for suite in suites
        for case in _of_suite(suite, (suite / "supergraph.graphql").read_text())
    ]
    assert _names(refusals(theirs)) == _names(REFUSED)


@pytest.mark.shared_data
def test_the_recorded_sets():
    lines = shared_data("composition", "cases.jsonl").read_text().splitlines()
    recorded = [case for case in map(json.loads, lines) if not case["apollo"]["codes"]]
    cases = [
        case for each in recorded for case in _for_both(each["id"], _compose(each["subgraphs"]))
    ]
    assert (len(recorded), refusals(cases)) == (RECORDED, {"apollo": {}, "hive": {}})


def test_a_spoilt_supergraph_is_refused():
    """So that nothing above passes because the gateways look at nothing."""
    sdl = compose(read_config(SCHEMA / "supergraph.yaml")).sdl
    spoilt = sdl.replace("enum join__Graph {", "enum join__Graphs {")
    operation = "{ __typename }"
    by_join = refusals(_for_both("graphs", spoilt, {"": operation}))
    by_operation = refusals(_for_both("unknown field", sdl, {"": "{ nothing }"}))
    assert all(by_join.values())
    assert all(by_operation.values())


def _of_suite(suite: Path, sdl: str) -> Iterator[Case]:
    """Some of the audit's operations are invalid on purpose."""
    schema = load_supergraph(sdl).api_schema
    queries = [test["query"] for test in json.loads((suite / "tests.json").read_text())]
    operations = {
        str(index): query
        for index, query in enumerate(queries)
        if not validate(schema, parse(query))
    }
    return _for_both(suite.name, sdl, operations)


def _for_both(name: str, sdl: str, operations: Mapping[str, str] | None = None) -> Iterator[Case]:
    case = Case(name, "hive", sdl, operations or {})
    yield case
    yield replace(case, judge="apollo", sdl=ENFORCED.sub(r"\1", sdl))


def _composed(suite: Path) -> str:
    return _compose(json.loads((suite / "subgraphs.json").read_text()))


def _compose(subgraphs: list[dict[str, str]]) -> str:
    return compose([SubgraphInput(s["name"], s.get("url", ""), s["sdl"]) for s in subgraphs]).sdl


def _names(refused: dict) -> dict:
    return {judge: set(names) for judge, names in refused.items()}
