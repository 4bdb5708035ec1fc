"""Divide what is fetched among the parts of an answer that wait for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.operation.deferred import PRIMARY, Deferral
from gateway.planning.fetch_graph import Parts
from gateway.planning.plan import (
    DeferNode,
    DeferredNode,
    PlanNode,
    fetch_numbers,
)
from gateway.planning.requests import Request
from gateway.planning.schedule import independent, schedule, sequence


def in_parts(
    requests: Sequence[Request], parts: Sequence[Deferral], numbers: Iterator[int]
) -> DeferNode:
    """Each deferred part has a node of its own at least, whatever else it waits for."""
    known = {each.number: each for each in parts}
    groups: dict[Parts, list[Request]] = {(number,): [] for number in (PRIMARY, *known)}
    numbered = [replace(each, node=replace(each.node, number=next(numbers))) for each in requests]
    for request in numbered:
        groups.setdefault(request.parts, []).append(request)
    return DeferNode(
        schedule(groups.pop((PRIMARY,))),
        tuple(
            DeferredNode(tuple(known[number] for number in group), after, schedule(together))
            for group, own in sorted(groups.items())
            for after, together in _by_what_they_await(own, numbered).items()
        ),
    )


def in_series(nodes: Sequence[PlanNode | DeferNode]) -> PlanNode | DeferNode | None:
    """One after the other, and nothing deferred begins before all of them are done."""
    primary = [node for each in nodes if (node := primary_of(each)) is not None]
    first = sequence(primary) if primary else None
    deferring = [each for each in nodes if isinstance(each, DeferNode)]
    if not deferring:
        return first
    every = tuple(number for node in primary for number in fetch_numbers(node))
    deferred = (each for node in deferring for each in node.deferred)
    return DeferNode(first, tuple(replace(each, after=every) for each in deferred))


def primary_of(node: PlanNode | DeferNode | None) -> PlanNode | None:
    return node.primary if isinstance(node, DeferNode) else node


def _by_what_they_await(
    own: Sequence[Request], requests: Sequence[Request]
) -> Mapping[tuple[int, ...], list[Request]]:
    """What waits for less begins earlier."""
    groups: dict[tuple[int, ...], list[Request]] = {}
    for branch in independent(own) or [[]]:
        groups.setdefault(_awaited(branch, requests), []).extend(branch)
    return groups


def _awaited(own: Sequence[Request], requests: Sequence[Request]) -> tuple[int, ...]:
    """The numbers of those requests, among the others, that some of its own need."""
    needs = frozenset[int]().union(*(each.needs for each in own))
    awaited = (each.node.number for each in requests if each not in own and each.steps & needs)
    return tuple(number for number in awaited if number is not None)
