"""Plans as data: each file is a small supergraph with operations and their plans.

`UPDATE=1` rewrites the plans; read the difference before committing it.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from graphql import parse, validate

from gateway.federation.supergraph import load_supergraph
from gateway.operation import normalize
from gateway.planning import build_query_graph, plan, print_plan
from tests.gateway.planning.supergraphs import supergraph_sdl

FILES = sorted((Path(__file__).parent / "cases").glob("*.txt"))
SECTION = re.compile(r"^--- (\w+) ?(.*)\n", re.MULTILINE)


@dataclass
class PlanCase:
    title: str
    operation: str
    expected: str


def read_cases(text: str) -> tuple[list[str], str, list[PlanCase]]:
    _, *parts = SECTION.split(text)
    sections = list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))
    (_, subgraphs, types), *rest = sections
    cases = [
        PlanCase(title, operation, expected)
        for (_, title, operation), (_, _, expected) in zip(rest[::2], rest[1::2], strict=True)
    ]
    return subgraphs.split(), types, cases


def planned(subgraphs: list[str], types: str, operation: str) -> str:
    supergraph = load_supergraph(supergraph_sdl(subgraphs, types))
    document = parse(operation)
    assert not validate(supergraph.api_schema, document)
    labels = frozenset(re.findall(r"^# labels: (.*)$", operation, re.MULTILINE))
    normalized = normalize(document, None, supergraph.api_schema, deferring=True)
    return print_plan(plan(normalized, build_query_graph(supergraph), labels))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_plans(file):
    text = file.read_text()
    subgraphs, types, cases = read_cases(text)
    actual = {case.title: planned(subgraphs, types, case.operation) for case in cases}
    if os.environ.get("UPDATE"):
        head = text[: text.index("--- operation")]
        blocks = (
            f"--- operation {case.title}\n{case.operation}--- plan\n{actual[case.title]}"
            for case in cases
        )
        file.write_text(head + "".join(blocks))
        return
    assert actual == {case.title: case.expected for case in cases}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_plans_do_not_depend_on_the_order_of_subgraphs(file):
    subgraphs, types, cases = read_cases(file.read_text())
    for case in cases:
        assert planned(subgraphs[::-1], types, case.operation) == case.expected
