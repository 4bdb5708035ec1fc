"""From fetch steps to requests: one document for all steps of one wave to one subgraph.

Entity calls that show the same representations at the same place are one `_entities` field, and so
are calls for several types at one place, or for the same selections at several; the rest of a
request stands side by side under aliases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.operation.tree import Condition, Operation, OperationKind
from gateway.planning.fetch_graph import FetchGraph, FetchStep, Group
from gateway.planning.plan import EntityCall, FetchNode, OnTypes, Path, Rename, Representation
from gateway.planning.positions import Step
from gateway.planning.query_graph import QueryGraph
from gateway.planning.representations import join_representations, representations_of, target_path
from gateway.planning.selected import (
    Selected,
    add_position,
    merge_selected,
    print_selected,
    rename_clashes,
    variables_of,
)


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    node: FetchNode
    steps: frozenset[int]
    needs: frozenset[int]
    """Ids of steps in other requests."""
    conditions: frozenset[Condition]


def build_requests(
    fetch_graph: FetchGraph, operation: Operation, graph: QueryGraph
) -> tuple[Request, ...]:
    """In the order of their waves."""
    builder = _RequestBuilder(fetch_graph, operation, graph)
    return tuple(
        Request(
            node=builder.build(steps, conditions),
            steps=frozenset(step.position.id for step in steps),
            needs=frozenset[int]().union(*(step.needs for step in steps)),
            conditions=conditions,
        )
        for (_, _, conditions, _), steps in _group(fetch_graph.steps)
    )


def _group(steps: Iterable[FetchStep]) -> list[tuple[Group, list[FetchStep]]]:
    """Steps of one wave to one subgraph; what has more conditions joins what is sent anyway."""
    groups: dict[Group, list[FetchStep]] = defaultdict(list)
    for step in steps:
        groups[step.group].append(step)
    merged: dict[Group, list[FetchStep]] = {}
    for group in sorted(groups, key=_order):
        wave, subgraph, conditions, own = group
        host = next(
            (
                other
                for other in merged
                if (other[0], other[1], other[3]) == (wave, subgraph, own)
                and other[2] <= conditions
            ),
            group,
        )
        merged.setdefault(host, []).extend(groups[group])
    return list(merged.items())


def _order(group: Group) -> tuple[int, str, int, list[tuple[str, bool]], int]:
    wave, subgraph, conditions, own = group
    names = sorted((condition.variable, condition.include) for condition in conditions)
    return wave, subgraph, len(names), names, own


@dataclass(frozen=True, slots=True)
class _Call:
    """An `_entities` field."""

    targets: tuple[Path, ...]
    representations: tuple[Representation, ...]
    needs: frozenset[int]
    conditions: frozenset[Condition]
    body: Selected


@dataclass(frozen=True, slots=True)
class _RequestBuilder:
    fetch_graph: FetchGraph
    operation: Operation
    graph: QueryGraph

    def build(self, steps: Sequence[FetchStep], given: frozenset[Condition]) -> FetchNode:
        first = steps[0]
        if first.position.step is Step.ENTRY:
            body = Selected()
            add_position(body, first.position, self.fetch_graph, self.graph, given)
            renames = rename_clashes(body)
            is_outermost = first.position.parent is None
            kind = self.operation.kind if is_outermost else OperationKind.QUERY
            return self._node(first, kind, (), [body], print_selected(body), renames)
        calls = _merge(self._call(step, given) for step in steps)
        renames = tuple(rename for call in calls for rename in rename_clashes(call.body))
        calls = _join_equal(calls)
        entities = tuple(
            EntityCall(
                response_key=f"_e{number}" if len(calls) > 1 else "_entities",
                variable=f"representations{number}" if len(calls) > 1 else "representations",
                targets=call.targets,
                representations=call.representations,
            )
            for number, call in enumerate(calls)
        )
        text = " ".join(
            _print_call(entity, call.body) for entity, call in zip(entities, calls, strict=True)
        )
        bodies = [call.body for call in calls]
        return self._node(first, OperationKind.QUERY, entities, bodies, f"{{{text}}}", renames)

    def _node(
        self,
        step: FetchStep,
        kind: OperationKind,
        entities: tuple[EntityCall, ...],
        bodies: Sequence[Selected],
        text: str,
        renames: tuple[Rename, ...],
    ) -> FetchNode:
        used = {name for body in bodies for name in variables_of(body)}
        variables = [variable for variable in self.operation.variables if variable.name in used]
        definitions = [f"${entity.variable}:[_Any!]!" for entity in entities]
        definitions += [
            f"${each.name}:{each.type}{'' if each.default is None else f'={each.default}'}"
            for each in variables
        ]
        head = f"({','.join(definitions)})" if definitions else ""
        is_plain = kind is OperationKind.QUERY and not head
        return FetchNode(
            subgraph=step.position.subgraph,
            kind=kind,
            document=text if is_plain else f"{kind}{head}{text}",
            operation_name=None,
            variables=tuple(variable.name for variable in variables),
            entities=entities,
            target=()
            if entities
            else target_path(step.position, self.fetch_graph.keys, self.graph),
            renames=renames,
        )

    def _call(self, step: FetchStep, given: frozenset[Condition]) -> _Call:
        node = step.position.node
        assert node is not None
        inner = body = Selected(node.is_abstract)
        # A directive may stand once at a place, so that each condition has a fragment of its own.
        more = sorted(step.conditions - given, key=lambda each: (each.variable, each.include))
        for condition in more or (None,):
            conditions = () if condition is None else (condition,)
            body = Selected(narrowed={(node.type_name, conditions): body})
        add_position(inner, step.position, self.fetch_graph, self.graph, step.conditions)
        keys = self.fetch_graph.keys
        return _Call(
            targets=(target_path(step.position, keys, self.graph),),
            representations=representations_of(step.position, keys, self.graph),
            needs=step.needs,
            conditions=step.conditions,
            body=body,
        )


def _merge(calls: Iterable[_Call]) -> list[_Call]:
    """One call for what can be shown together at a place, and for several types at a place."""
    places: dict[Path, list[_Call]] = defaultdict(list)
    for call in calls:
        merged = places[_place(call)]
        for number, other in enumerate(merged):
            if (joined := _same_entities(other, call) or _other_types(other, call)) is not None:
                merged[number] = joined
                break
        else:
            merged.append(call)
    return [call for merged in places.values() for call in merged]


def _place(call: _Call) -> Path:
    """Where it is, whatever types it is for."""
    path = call.targets[0]
    return path[:-1] if path and isinstance(path[-1], OnTypes) else path


def _same_entities(one: _Call, other: _Call) -> _Call | None:
    if one.targets != other.targets:
        return None
    representations = one.representations
    if representations != other.representations:
        # A call must not fail for what only the other lacks, or what only the other's conditions
        # bring.
        apart = one.needs != other.needs or one.conditions != other.conditions
        if apart or len(representations) > 1 or len(other.representations) > 1:
            return None
        both = join_representations(representations[0], other.representations[0])
        if both is None:
            return None
        representations = (both,)
    return _join(one, other, one.targets, representations)


def _other_types(one: _Call, other: _Call) -> _Call | None:
    mine, its = one.targets[0][-1:], other.targets[0][-1:]
    if not (mine and its and isinstance(mine[0], OnTypes) and isinstance(its[0], OnTypes)):
        return None
    if one.needs != other.needs or set(mine[0].types) & set(its[0].types):
        return None
    typenames = {each.typename for each in one.representations}
    if typenames & {each.typename for each in other.representations}:
        # Both are shown as an interface object, which gets all that is asked of it.
        return None
    both = OnTypes(tuple(sorted({*mine[0].types, *its[0].types})))
    representations = (*one.representations, *other.representations)
    return _join(one, other, ((*_place(one), both),), representations)


def _join(
    one: _Call,
    other: _Call,
    targets: tuple[Path, ...],
    representations: tuple[Representation, ...],
) -> _Call:
    return _Call(
        targets=targets,
        representations=representations,
        needs=one.needs | other.needs,
        conditions=one.conditions & other.conditions,
        body=merge_selected(one.body, other.body),
    )


def _join_equal(calls: Iterable[_Call]) -> list[_Call]:
    """One call for all the places at which the same is asked of the same representations."""
    joined: dict[tuple[object, str], _Call] = {}
    for call in calls:
        key = (call.representations, print_selected(call.body))
        known = joined.get(key)
        joined[key] = call
        if known is not None:
            targets = (*known.targets, *call.targets)
            joined[key] = _join(known, call, targets, call.representations)
    return list(joined.values())


def _print_call(entity: EntityCall, body: Selected) -> str:
    alias = "" if entity.response_key == "_entities" else f"{entity.response_key}:"
    return f"{alias}_entities(representations:${entity.variable}){print_selected(body)}"
