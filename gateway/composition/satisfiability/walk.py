"""The walk over the API schema that finds what no subgraph can answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from graphql import Node

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.satisfiability.position import Position
from gateway.composition.satisfiability.reach import Ancestors, Reach
from gateway.composition.satisfiability.reasons import explain, print_query
from gateway.composition.satisfiability.terrain import Terrain
from gateway.composition.schema import Field, Kind, has
from gateway.composition.types import base_name
from gateway.composition.whereabouts import whereabouts

# What a schema of a few thousand types needs is far below; what exceeds it would not end.
MAX_STATES = 100_000

_NO_ANCESTORS: Ancestors = frozenset()


def find_unsatisfiable(supergraph: Supergraph) -> list[Problem]:
    """SATISFIABILITY_ERROR and SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES."""
    walk = _Walk(supergraph)
    for root in sorted(supergraph.roots):
        walk.enter(root)
    return walk.problems


@dataclass(frozen=True, slots=True)
class _State:
    """At a type of the API, by a path of fields and type conditions, in one of the positions."""

    type: str
    path: tuple[str, ...]
    positions: frozenset[Position]
    labels: tuple[tuple[str, bool], ...] = ()
    ancestors: Ancestors = _NO_ANCESTORS

    def is_no_worse_than(self, other: _State) -> bool:
        return (
            other.positions <= self.positions
            and set(other.labels) <= set(self.labels)
            and other.ancestors <= self.ancestors
        )


class _Walk:
    def __init__(self, supergraph: Supergraph) -> None:
        self.problems: list[Problem] = []
        self._supergraph = supergraph
        self._subgraphs = supergraph.subgraphs
        self._terrain = Terrain(supergraph.subgraphs)
        self._context_types = {
            name
            for member in supergraph.subgraphs.members
            for types in member.facts.contexts().values()
            for type_ in types
            for name in (type_.name, *member.subgraph.possible_types(type_.name))
        }
        self._reaches: dict[object, Reach] = {}
        self._proven: dict[str, list[_State]] = {}
        self._count = 0

    def enter(self, root: str) -> None:
        positions = frozenset(
            Position(member.name, root)
            for member in self._subgraphs.members
            if root in member.subgraph.types and member.subgraph.types[root].fields
        )
        state = _State(root, (), positions)
        if root == "Mutation":
            self._walk_mutations(state)
        else:
            self.problems += self._walk([state])

    def _walk_mutations(self, state: _State) -> None:
        """A mutation runs once, so what comes after it must work from one of its subgraphs."""
        for following in self._next(state):
            if isinstance(following, Problem):
                self.problems.append(following)
                continue
            if not self._terrain.is_composite(following.type):
                continue
            subgraphs = sorted({position.subgraph for position in following.positions})
            outcomes = [
                self._walk([replace(following, positions=_only(following, subgraph))])
                for subgraph in subgraphs
            ]
            if all(outcomes):
                self.problems += outcomes[0]

    def _walk(self, stack: list[_State]) -> list[Problem]:
        seen: dict[str, list[_State]] = {}
        problems: dict[str, Problem] = {}
        while stack:
            state = stack.pop()
            self._count += 1
            if self._count > MAX_STATES:
                message = f"Stopped after looking at {MAX_STATES:,} points of possible queries"
                return [problem("MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED", message)]
            visits = seen.setdefault(state.type, [])
            known = (*self._proven.get(state.type, ()), *visits)
            if any(state.is_no_worse_than(visit) for visit in known):
                continue
            visits.append(state)
            for following in self._next(state):
                if isinstance(following, Problem):
                    # One query suffices to show that a field cannot be had.
                    problems.setdefault(following.message.rpartition("\n}")[2], following)
                elif self._terrain.is_composite(following.type):
                    stack.append(following)
        if not problems:
            # What can all be answered need not be looked at again from the next mutation.
            for name, visits in seen.items():
                self._proven.setdefault(name, []).extend(visits)
        return list(problems.values())

    def _next(self, state: _State) -> Iterator[_State | Problem]:
        type_ = self._supergraph.types[state.type]
        if type_.kind is Kind.OBJECT:
            for field in type_.fields.values():
                if not has(field, "inaccessible"):
                    yield from self._follow(state, field)
        else:
            for name in sorted(self._subgraphs.objects(type_.name)):
                if not has(self._supergraph.types[name], "inaccessible"):
                    yield from self._cast(state, name)

    def _follow(self, state: _State, field: Field) -> Iterator[_State | Problem]:
        label = self._terrain.labels.get(field.coordinate)
        chosen = dict(state.labels)
        values = (chosen[label],) if label in chosen else (True, False)
        for value in values if label else (True,):
            labels = {**chosen, label: value} if label else chosen
            reach = self._reach(labels, state.ancestors)
            found = [
                after
                for position in sorted_positions(state.positions)
                for after in reach.resolve(position, field.name)
            ]
            path = (*state.path, field.name)
            if not found:
                reasons = explain(self._terrain, reach, state.positions, field)
                yield unsatisfiable(path, reasons, *whereabouts(self._subgraphs, field))
                continue
            mismatch = self._mismatched_types(path, field, found)
            if mismatch is not None:
                yield mismatch
                continue
            yield _State(
                base_name(field.type),
                path,
                frozenset(found),
                tuple(sorted(labels.items())),
                self._with_context(state),
            )

    def _cast(self, state: _State, name: str) -> Iterator[_State | Problem]:
        """A subgraph that can never give such an object leaves nothing to ask of it."""
        for position in state.positions:
            if name not in self._terrain.possible(position):
                return
        reach = self._reach(dict(state.labels), state.ancestors)
        found = [
            after
            for position in sorted_positions(state.positions)
            for after in reach.cast(position, name)
        ]
        path = (*state.path, f"... on {name}")
        if found:
            yield replace(state, type=name, path=path, positions=frozenset(found))
        else:
            reasons = [f'no subgraph here can tell whether it is a "{name}"']
            place = whereabouts(self._subgraphs, self._supergraph.types[name])
            yield unsatisfiable(path, reasons, *place)

    def _mismatched_types(
        self, path: tuple[str, ...], field: Field, found: list[Position]
    ) -> Problem | None:
        """What several subgraphs resolve must be able to be the same in all of them."""
        kind = self._subgraphs.kinds.get(base_name(field.type))
        if kind not in (Kind.INTERFACE, Kind.UNION):
            return None
        possible = {
            position.subgraph: self._terrain.possible(position)
            for position in found
            if position.type == base_name(field.type)
        }
        everywhere = list(possible.values())
        if len(everywhere) <= 1 or not any(everywhere) or frozenset.intersection(*everywhere):
            return None
        said = "; ".join(
            f'{", ".join(sorted(types)) or "nothing"} in "{subgraph}"'
            for subgraph, types in sorted(possible.items())
        )
        message = f'Shared field "{field.coordinate}" has no type in common: {said}'
        query = print_query(path)
        code = "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES"
        place = whereabouts(self._subgraphs, field)
        return problem(code, f"{message}\nin\n{query}", *place)

    def _with_context(self, state: _State) -> Ancestors:
        if state.type not in self._context_types:
            return state.ancestors
        return state.ancestors | {(state.type, state.positions)}

    def _reach(self, labels: dict[str, bool], ancestors: Ancestors) -> Reach:
        key = (tuple(sorted(labels.items())), ancestors)
        if key not in self._reaches:
            self._reaches[key] = Reach(self._terrain, labels, ancestors)
        return self._reaches[key]


def unsatisfiable(
    path: tuple[str, ...], reasons: list[str], subgraph: str | None, node: Node | None
) -> Problem:
    listed = "\n".join(f"- {reason}" for reason in reasons)
    message = f"No subgraphs can answer\n{print_query(path)}\nbecause:\n{listed}"
    return problem("SATISFIABILITY_ERROR", message, subgraph, node)


def sorted_positions(positions: frozenset[Position]) -> list[Position]:
    """In a fixed order, so that what is reported does not change from run to run."""
    return sorted(positions, key=lambda p: (p.subgraph, p.type, p.provided, p.stands_for or ""))


def _only(state: _State, subgraph: str) -> frozenset[Position]:
    return frozenset(p for p in state.positions if p.subgraph == subgraph)
