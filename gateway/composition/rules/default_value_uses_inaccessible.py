from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Argument, Field, has
from gateway.composition.types import ListOf, TypeReference, base_name, nullable
from gateway.composition.values import EnumName, ObjectValue, Value
from gateway.composition.whereabouts import whereabouts


def default_value_uses_inaccessible(supergraph: Supergraph) -> Iterator[Problem]:
    """A visible default cannot be made of hidden enum values or input fields."""
    for holder in _visible_defaults(supergraph):
        for coordinate in _hidden_uses(supergraph, holder.type, holder.default):
            message = f'The default of "{holder.coordinate}" uses hidden "{coordinate}"'
            place = whereabouts(supergraph.subgraphs, holder)
            yield problem("DEFAULT_VALUE_USES_INACCESSIBLE", message, *place)


def _visible_defaults(supergraph: Supergraph) -> Iterator[Argument | Field]:
    for type_ in supergraph.types.values():
        if has(type_, "inaccessible"):
            continue
        for field in type_.fields.values():
            if has(field, "inaccessible"):
                continue
            holders: list[Argument | Field] = [field, *field.arguments.values()]
            yield from (h for h in holders if h.has_default and not has(h, "inaccessible"))


def _hidden_uses(supergraph: Supergraph, type_: TypeReference, value: Value) -> Iterator[str]:
    inner = nullable(type_)
    if isinstance(inner, ListOf):
        items = value if isinstance(value, tuple) else (value,)
        for item in items:
            yield from _hidden_uses(supergraph, inner.of, item)
        return
    definition = supergraph.types.get(base_name(inner))
    if definition is None:
        return
    if isinstance(value, EnumName) and value.name in definition.values:
        used = definition.values[value.name]
        if has(used, "inaccessible"):
            yield used.coordinate
    if isinstance(value, ObjectValue):
        for name, given in value.fields:
            field = definition.fields.get(name)
            if field is not None:
                if has(field, "inaccessible"):
                    yield field.coordinate
                yield from _hidden_uses(supergraph, field.type, given)
