"""The table of ways and advisories is whole: each has tests, and they are there."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).parents[1]
TABLE = yaml.safe_load((Path(__file__).parent / "matrix.yaml").read_text())
CELLS = [
    pytest.param(name, tests, id=name)
    for part in ("ways", "advisories")
    for name, tests in TABLE[part].items()
]
LEAST_WAYS, LEAST_ADVISORIES = 46, 51
"""Those there were when this was written: one that is taken out has to be taken out here too."""


@cache
def functions(path):
    tree = ast.parse(path.read_text())
    return {
        node.name: ast.get_source_segment(path.read_text(), node)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def is_there(name):
    file, _, function = name.partition("::")
    path = TESTS / file
    if not path.is_file():
        return False
    function, _, case = function.partition("[")
    if function and function not in functions(path):
        return False
    return f'id="{case.removesuffix("]")}"' in path.read_text() if case else True


@pytest.mark.parametrize(("name", "tests"), CELLS)
def test_every_cell_has_tests_that_exist(name, tests):
    assert tests
    assert [each for each in tests if not is_there(each)] == []


def test_no_cell_is_lost():
    assert len(TABLE["ways"]) >= LEAST_WAYS
    assert len(TABLE["advisories"]) >= LEAST_ADVISORIES


@pytest.mark.parametrize(
    "name",
    [
        "security/test_nowhere.py",
        "security/test_matrix.py::test_nothing",
        "security/test_other_roots.py::test_a_mutations_payload_is_filtered[no such case]",
    ],
)
def test_what_is_not_there_is_noticed(name):
    assert not is_there(name)
