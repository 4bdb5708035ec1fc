"""Why a field cannot be had, in words of the subgraphs; and a query that asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.composition.satisfiability.position import Position
from gateway.composition.satisfiability.reach import Reach
from gateway.composition.satisfiability.terrain import Terrain
from gateway.composition.schema import Field, has
from gateway.composition.subgraphs import Member


def print_query(path: tuple[str, ...]) -> str:
    """`{ user { name } }`, a line a level; what would be selected further is left out."""
    lines = ["{"]
    for depth, step in enumerate(path[:-1], start=1):
        lines.append(f"{'  ' * depth}{step} {{")
    lines.append(f"{'  ' * len(path)}{path[-1]}")
    lines += [f"{'  ' * depth}}}" for depth in range(len(path) - 1, 0, -1)]
    return "\n".join([*lines, "}"])


def explain(
    terrain: Terrain, reach: Reach, positions: Iterable[Position], field: Field
) -> list[str]:
    reasons: dict[str, None] = {}
    for position in sorted(positions, key=lambda p: (p.subgraph, p.type)):
        reached = reach.reachable(position)
        for at in reached:
            member = terrain.member(at)
            reasons[f'from subgraph "{at.subgraph}": {_unresolved(member, at, field)}'] = None
        for at in reached:
            for reason in _closed_ways(terrain, at, field, {r.subgraph for r in reached}):
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
    terrain: Terrain, position: Position, field: Field, reached: set[str]
) -> Iterator[str]:
    keyed = set()
    for move in terrain.keys(position):
        keyed.add(move.member.name)
        if move.member.name not in reached:
            yield (
                f'the key "{move.fields}" of "{move.type}", by which subgraph'
                f' "{move.member.name}" takes over, cannot be had'
            )
    for member in terrain.subgraphs.members:
        resolves = member.subgraph.field(field.parent, field.name)
        if resolves and member.name not in keyed | reached:
            yield f'subgraph "{member.name}" has the field but no resolvable key to come by'
