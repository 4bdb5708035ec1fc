"""Three gateways before the federation gateway audit: ours, @apollo/gateway and Hive's.

    git clone https://github.com/graphql-hive/federation-gateway-audit
    (cd federation-gateway-audit && npm ci && npm start serve)    # its subgraphs, on port 4200
    make tests/node/node_modules/.installed
    .venv/bin/python -m tests.node.audit > docs/audit.md          # or: … ADDRESS of the subgraphs

A test passes as in the audit's own runner: data equal, errors where it expects some and none where
it expects none. Where another gateway passes, its answer must moreover be ours to the letter: the
same values, keys in the same order, the same number of errors.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
from graphql import parse, validate

from gateway.engine import Engine
from gateway.execution.http_client import HttpSubgraphClient
from gateway.execution.wire import encode
from gateway.federation.supergraph import load_supergraph
from gateway.planning import PlanError
from tests.node.outside_gateways import HERE, installed, run

AUDIT = "http://localhost:4200"

TIMEOUT = 10.0

# What a test adds has a new id whenever the tests are asked for.
ADDED = re.compile(r"-added-[0-9a-f]+")

# Why an answer differs where both gateways pass, by test.
REASONS: dict[str, str] = json.loads((HERE / "differing_answers.json").read_text())


@dataclass(frozen=True, slots=True)
class Suite:
    sdl: str
    tests: list[dict[str, Any]]
    """As the audit gives them: `query` and `expected`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    query: str
    passed: bool
    answer: str
    """As JSON, so that the order of keys counts."""
    errors: int
    requests: int


Outcomes = dict[str, list[Outcome]]
"""By suite."""


def main(address: str) -> None:
    if not installed():
        sys.exit("make tests/node/node_modules/.installed first")
    try:
        outcomes = {"Chartgraph": asyncio.run(_ours(address))}
    except httpx2.ConnectError:
        sys.exit(f"the audit's subgraphs do not answer on {address}: see the head of this file")
    # Each gateway gets tests of its own: a mutation cannot add the same thing twice.
    suites = {name: _fetch_suites(address) for name in ("apollo", "hive")}
    answers = run("audit.mjs", {name: _questions(each) for name, each in suites.items()})
    packages = json.loads((HERE / "package.json").read_text())["dependencies"]
    for name, package in (("apollo", "@apollo/gateway"), ("hive", "@graphql-hive/gateway")):
        outcomes[f"{package} {packages[package]}"] = {
            suite: [_outcome(*pair) for pair in zip(each.tests, answers[name][suite], strict=True)]
            for suite, each in suites[name].items()
        }
    sys.stdout.write("\n".join(_page(outcomes)) + "\n")


def _fetch_suites(address: str) -> dict[str, Suite]:
    with httpx2.Client(base_url=address, timeout=60) as client:
        return {
            suite: Suite(
                client.get(f"/{suite}/supergraph").text, client.get(f"/{suite}/tests").json()
            )
            for suite in client.get("/ids").json()
        }


def _questions(suites: Mapping[str, Suite]) -> dict[str, Any]:
    return {
        name: {"sdl": suite.sdl, "queries": [test["query"] for test in suite.tests]}
        for name, suite in suites.items()
    }


async def _ours(address: str) -> Outcomes:
    return {name: await _run_suite(suite) for name, suite in _fetch_suites(address).items()}


async def _run_suite(suite: Suite) -> list[Outcome]:
    supergraph = load_supergraph(suite.sdl)
    clients = {name: HttpSubgraphClient(each.url) for name, each in supergraph.subgraphs.items()}
    engine = Engine(supergraph, clients)
    try:
        return [_outcome(test, await _ask(engine, test["query"])) for test in suite.tests]
    finally:
        await engine.close()


async def _ask(engine: Engine, query: str) -> dict[str, Any]:
    requests = 0

    async def exchange(subgraph: str, body: bytes, _kind: object) -> bytes:
        nonlocal requests
        requests += 1
        return await engine.clients[subgraph].send(body, (), TIMEOUT)

    document = parse(query)
    invalid = validate(engine.schema, document)
    if invalid:
        return {"data": None, "errors": len(invalid), "requests": 0}
    try:
        answer = await engine.run(engine.normalize(document, None), {}, exchange)
    except PlanError:
        # What the pipeline makes of it; the audit has a set that contradicts itself on purpose.
        return {"data": None, "errors": 1, "requests": requests}
    data = json.loads(encode(answer.data))
    return {"data": data, "errors": len(answer.errors), "requests": requests}


def _outcome(test: Mapping[str, Any], answer: Mapping[str, Any]) -> Outcome:
    expected = test["expected"]
    errors = expected.get("errors")
    passed = answer["data"] == expected.get("data") and errors in (None, bool(answer["errors"]))
    return Outcome(
        query=" ".join(ADDED.sub("-added-…", test["query"]).split()),
        passed=passed,
        answer=ADDED.sub("-added-…", json.dumps(answer["data"])),
        errors=answer["errors"],
        requests=answer["requests"],
    )


def _page(outcomes: Mapping[str, Outcomes]) -> Iterator[str]:
    yield "# The federation gateway audit, three gateways side by side"
    yield ""
    yield (
        "The tests of [graphql-hive/federation-gateway-audit]"
        "(https://github.com/graphql-hive/federation-gateway-audit), written by "
        "`python -m tests.node.audit`, whose head says how to run it. Hive's gateway runs with the "
        "planner it brings along."
    )
    yield ""
    yield from _table(
        ["gateway", "tests passed", "suites passed", "requests to subgraphs"],
        [[name, *_totals(each)] for name, each in outcomes.items()],
    )
    (_, ours), *others = outcomes.items()
    for name, theirs in others:
        yield from _comparison(name, ours, theirs)
    yield "## Every suite"
    yield ""
    yield "Passed tests, and requests to subgraphs for all tests of the suite."
    yield ""
    yield from _table(
        ["suite", "tests", *outcomes],
        [
            [suite, str(len(tests)), *(_score(each[suite]) for each in outcomes.values())]
            for suite, tests in ours.items()
        ],
    )


def _totals(outcomes: Outcomes) -> list[str]:
    tests = [test for suite in outcomes.values() for test in suite]
    suites = sum(all(test.passed for test in suite) for suite in outcomes.values())
    return [
        f"{sum(test.passed for test in tests)} of {len(tests)}",
        f"{suites} of {len(outcomes)}",
        str(sum(test.requests for test in tests)),
    ]


def _score(tests: Sequence[Outcome]) -> str:
    passed, requests = sum(test.passed for test in tests), sum(test.requests for test in tests)
    return f"{passed} in {requests}" if passed == len(tests) else f"**{passed}** in {requests}"


def _comparison(name: str, ours: Outcomes, theirs: Outcomes) -> Iterator[str]:
    pairs = [
        (f"{suite} {number}", mine, other)
        for suite, tests in ours.items()
        for number, (mine, other) in enumerate(zip(tests, theirs[suite], strict=True))
    ]
    passing = [pair for pair in pairs if pair[2].passed]
    differing = [
        [label, *said, REASONS.get(label, "not known")]
        for label, *pair in passing
        for said in _differences(*pair)
    ]
    failing = [[label, *_said(other)] for label, _, other in pairs if not other.passed]
    yield f"## {name}"
    yield ""
    yield (
        f"Passes {len(passing)} tests; {len(passing) - len(differing)} of these answers are ours "
        "to the letter: values, order of keys, number of errors."
    )
    yield ""
    if differing:
        yield "Where it passes and its answer is another than ours:"
        yield ""
        yield from _table(["test", "what differs", "ours", "theirs", "because"], differing)
    if failing:
        yield "Where it does not pass:"
        yield ""
        yield from _table(["test", "its answer", "errors", "operation"], failing)


def _differences(mine: Outcome, other: Outcome) -> list[list[str]]:
    """One row at most."""
    if json.loads(mine.answer) != json.loads(other.answer):
        return [["values", _code(mine.answer), _code(other.answer)]]
    if mine.answer != other.answer:
        return [["order of keys", _code(mine.answer), _code(other.answer)]]
    if mine.errors != other.errors:
        return [["number of errors", str(mine.errors), str(other.errors)]]
    return []


def _said(outcome: Outcome) -> list[str]:
    return [_code(outcome.answer), str(outcome.errors), _code(outcome.query)]


def _code(text: str) -> str:
    return f"`{text}`"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else AUDIT)
