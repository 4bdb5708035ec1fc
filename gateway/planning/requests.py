"""From fetch steps to requests: one document for all steps of one wave to one subgraph.

Several `_entities` fields of a request stand side by side under aliases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.operation.deferred import PRIMARY
from gateway.operation.tree import Condition, Operation, OperationKind, VariableDefinition
from gateway.planning.calls import Call, join_equal_calls, merge_calls
from gateway.planning.fetch_graph import FetchGraph, FetchStep, Group, Parts
from gateway.planning.plan import EntityCall, FetchNode, Rename, Template, TemplateCall
from gateway.planning.positions import Step
from gateway.planning.query_graph import QueryGraph
from gateway.planning.representations import context_variables, representations_of, target_path
from gateway.planning.selected import (
    CALL,
    Selected,
    add_position,
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
    parts: Parts = (PRIMARY,)


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
            parts=parts,
        )
        for (_, _, conditions, _, parts), steps in _group(fetch_graph.steps)
    )


def _group(steps: Iterable[FetchStep]) -> list[tuple[Group, list[FetchStep]]]:
    """Steps of one wave to one subgraph; what has more conditions joins what is sent anyway."""
    groups: dict[Group, list[FetchStep]] = defaultdict(list)
    for step in steps:
        groups[step.group].append(step)
    merged: dict[Group, list[FetchStep]] = {}
    for group in sorted(groups, key=_order):
        wave, subgraph, conditions, *others = group
        host = next(
            (
                other
                for other in merged
                if (other[0], other[1], *other[3:]) == (wave, subgraph, *others)
                and other[2] <= conditions
            ),
            group,
        )
        merged.setdefault(host, []).extend(groups[group])
    return list(merged.items())


def _order(group: Group) -> tuple[int, str, int, list[tuple[str, bool]], int, Parts]:
    wave, subgraph, conditions, own, parts = group
    names = sorted((condition.variable, condition.include) for condition in conditions)
    return wave, subgraph, len(names), names, own, parts


@dataclass(frozen=True, slots=True)
class _RequestBuilder:
    fetch_graph: FetchGraph
    operation: Operation
    graph: QueryGraph

    def build(self, steps: Sequence[FetchStep], given: frozenset[Condition]) -> FetchNode:
        first = steps[0]
        if first.position.step is Step.ENTRY:
            body = Selected()
            for step in steps:
                add_position(body, step.position, self.fetch_graph, self.graph, given)
            renames = rename_clashes(body)
            is_outermost = first.position.parent is None
            kind = self.operation.kind if is_outermost else OperationKind.QUERY
            return self._node(first, kind, (), [body], print_selected(body), renames)
        calls = merge_calls(self._call(step, given) for step in steps)
        renames = tuple(rename for call in calls for rename in rename_clashes(call.body))
        return self._entity_node(first, join_equal_calls(calls), renames)

    def _entity_node(
        self, step: FetchStep, calls: Sequence[Call], renames: tuple[Rename, ...]
    ) -> FetchNode:
        contextual = any(call.contexts for call in calls)
        prefix = self._unlike_variables("_e")
        variable = prefix if contextual else self._unlike_variables("representations")
        entities = tuple(
            EntityCall(
                response_key=f"{prefix}{number}" if contextual or len(calls) > 1 else "_entities",
                variable=f"{variable}{number}" if contextual or len(calls) > 1 else variable,
                targets=call.targets,
                representations=call.representations,
                contexts=call.contexts,
                apart=self.fetch_graph.has_contexts,
            )
            for number, call in enumerate(calls)
        )
        bodies = [call.body for call in calls]
        texts = [
            _print_call(entity, call.body) for entity, call in zip(entities, calls, strict=True)
        ]
        node = self._node(
            step, OperationKind.QUERY, entities, bodies, f"{{{' '.join(texts)}}}", renames
        )
        if not contextual:
            return node
        return replace(node, template=Template(prefix, tuple(map(self._template_call, calls))))

    def _template_call(self, call: Call) -> TemplateCall:
        entity = EntityCall(CALL, CALL, (), (), call.contexts)
        return TemplateCall(
            definitions=tuple(",".join(_definitions_of(entity)).split(CALL)),
            field=tuple(_print_call(entity, call.body).split(CALL)),
            variables=tuple(map(_print_definition, self._used([call.body]))),
        )

    def _node(
        self,
        step: FetchStep,
        kind: OperationKind,
        entities: tuple[EntityCall, ...],
        bodies: Sequence[Selected],
        text: str,
        renames: tuple[Rename, ...],
    ) -> FetchNode:
        variables = self._used(bodies)
        definitions = [each for entity in entities for each in _definitions_of(entity)]
        definitions += map(_print_definition, variables)
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

    def _used(self, bodies: Iterable[Selected]) -> list[VariableDefinition]:
        used = {name for body in bodies for name in variables_of(body)}
        return [variable for variable in self.operation.variables if variable.name in used]

    def _unlike_variables(self, name: str) -> str:
        """A name that begins like none of the client's variables."""
        while any(variable.name.startswith(name) for variable in self.operation.variables):
            name = f"_{name}"
        return name

    def _call(self, step: FetchStep, given: frozenset[Condition]) -> Call:
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
        return Call(
            targets=(target_path(step.position, keys, self.graph),),
            representations=representations_of(step.position, keys, self.graph),
            contexts=context_variables(step.position, keys, self.graph),
            needs=step.needs,
            conditions=step.conditions,
            body=body,
        )


def _print_definition(variable: VariableDefinition) -> str:
    default = "" if variable.default is None else f"={variable.default}"
    return f"${variable.name}:{variable.type}{default}"


def _definitions_of(entity: EntityCall) -> list[str]:
    contexts = enumerate(entity.contexts)
    return [
        f"${entity.variable}:[_Any!]!",
        *(f"${entity.variable}_{number}:{context.type}" for number, context in contexts),
    ]


def _print_call(entity: EntityCall, body: Selected) -> str:
    alias = "" if entity.response_key == "_entities" else f"{entity.response_key}:"
    text = f"{alias}_entities(representations:${entity.variable}){print_selected(body)}"
    return text.replace(CALL, entity.variable)
