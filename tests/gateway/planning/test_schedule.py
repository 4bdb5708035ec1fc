"""Who waits for whom: nobody longer than it needs, wherever the plan's tree can say so."""

from __future__ import annotations

import pytest

from gateway.operation.tree import OperationKind
from gateway.planning.plan import FetchNode, ParallelNode, PlanNode, SequenceNode
from gateway.planning.requests import Request
from gateway.planning.schedule import schedule


def requests(**needs: str) -> list[Request]:
    """One for each name, with the names of those it needs; later ones need earlier ones."""
    ids = {name: number for number, name in enumerate(needs)}
    return [
        Request(
            node=FetchNode(name, OperationKind.QUERY, "", None, ()),
            steps=frozenset({ids[name]}),
            needs=frozenset(ids[each] for each in needed),
            conditions=frozenset(),
        )
        for name, needed in needs.items()
    ]


def text(node: PlanNode | None) -> str:
    match node:
        case FetchNode(subgraph=name):
            return name
        case SequenceNode(nodes):
            return "".join(text(each) for each in nodes)
        case ParallelNode(nodes):
            return f"({'|'.join(text(each) for each in nodes)})"
    raise AssertionError(node)


@pytest.mark.parametrize(
    ("needs", "plan"),
    [
        pytest.param({"a": "", "b": "a", "c": "b"}, "abc", id="a chain"),
        pytest.param({"a": "", "b": "", "c": "a"}, "(b|ac)", id="apart"),
        pytest.param({"a": "", "b": "a", "c": "a", "d": "bc"}, "a(b|c)d", id="a diamond"),
        pytest.param(
            {"a": "", "b": "", "c": "a", "d": "b", "e": "cd"}, "(ac|bd)e", id="two ways to one end"
        ),
        pytest.param(
            {"a": "", "b": "", "c": "a", "d": "bc"}, "(b|ac)d", id="a long way and a short one"
        ),
        pytest.param(
            {"a": "", "b": "a", "c": "a", "d": "b", "e": "c", "f": "de", "g": "f"},
            "a(bd|ce)fg",
            id="in the middle",
        ),
        pytest.param(
            {"a": "", "b": "", "c": "a", "d": "ab"}, "(a|b)(c|d)", id="what no tree can say"
        ),
    ],
)
def test_nobody_waits_in_vain(needs, plan):
    assert text(schedule(requests(**needs))) == plan
