"""Why a field cannot be had, in words of the subgraphs; and a query that asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.composition.satisfiability.position import Position
from gateway.composition.satisfiability.reach import Reach
from gateway.composition.schema import Field, has
from gateway.composition.subgraphs import Member, Subgraphs


def print_query(path: tuple[str, ...]) -> str:
    """`{ user { name } }`, a line a level; what would be selected further is left out."""
    lines = ["{"]
    for depth, step in enumerate(path[:-1], start=1):
        lines.append(f"{'  ' * depth}{step} {{")
    lines.append(f"{'  ' * len(path)}{path[-1]}")
    lines += [f"{'  ' * depth}}}" for depth in range(len(path) - 1, 0, -1)]
    return "\n".join([*lines, "}"])


def explain(
    subgraphs: Subgraphs, reach: Reach, positions: Iterable[Position], field: Field
) -> list[str]:
    reasons: dict[str, None] = {}
    for position in sorted(positions, key=lambda p: (p.subgraph, p.type)):
        reached = reach.reachable(position)
        for at in reached:
            member = subgraphs.by_name[at.subgraph]
            reasons[f'from subgraph "{at.subgraph}": {_unresolved(member, at, field)}'] = None
        for at in reached:
            for reason in _closed_ways(subgraphs, reach, at, field, {r.subgraph for r in reached}):
                reasons[f'from subgraph "{at.subgraph}": {reason}'] = None
    return list(reasons)


def _unresolved(member: Member, position: Position, field: Field) -> str:
    own = member.subgraph.field(position.type, field.name)
    coordinate = f"{position.type}.{field.name}"
    if own is None:
        return f'it has no field "{coordinate}"'
    if member.facts.is_external(own):
        return f'"{coordinate}" is @external there'
    if has(own, "requires"):
        return f'what @requires asks for "{coordinate}" cannot be had, or no key leads back'
    if any(has(argument, "fromContext") for argument in own.arguments.values()):
        return f'"{coordinate}" needs a context that nothing above sets'
    return f'"{coordinate}" is overridden by another subgraph'


def _closed_ways(
    subgraphs: Subgraphs, reach: Reach, position: Position, field: Field, reached: set[str]
) -> Iterator[str]:
    keyed = set()
    for member, key, type_name in reach.keys_from(position):
        keyed.add(member.name)
        if member.name not in reached:
            yield (
                f'the key "{key.text("fields")}" of "{type_name}", by which subgraph'
                f' "{member.name}" takes over, cannot be had'
            )
    for member in subgraphs.members:
        resolves = member.subgraph.field(field.parent, field.name)
        if resolves and member.name not in keyed | reached:
            yield f'subgraph "{member.name}" has the field but no resolvable key to come by'
