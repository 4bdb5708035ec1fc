from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.composition.merge.arguments import argument_sources, is_contextual
from gateway.composition.merge.fields import resolving_sources
from gateway.composition.merge.leaves import is_hidden, value_sources
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Hint, names
from gateway.composition.schema import ROOTS, Kind, TypeDefinition, has


def presence(supergraph: Supergraph) -> Iterator[Hint]:
    """What some subgraphs say of a type and others that have the type do not.

    INCONSISTENT_ENTITY, INCONSISTENT_OBJECT_VALUE_TYPE_FIELD,
    INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD, INCONSISTENT_INPUT_OBJECT_FIELD,
    INCONSISTENT_UNION_MEMBER, INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM,
    INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM, UNUSED_ENUM_TYPE, INCONSISTENT_ARGUMENT_PRESENCE.
    """
    for name, kind in supergraph.subgraphs.kinds.items():
        sources = supergraph.subgraphs.sources(name)
        if kind is Kind.UNION:
            yield from _members(supergraph, name, sources)
        elif kind is Kind.ENUM:
            yield from _values(supergraph, name, sources)
        elif kind is Kind.INPUT:
            yield from _input_fields(supergraph, name)
        elif kind is not Kind.SCALAR:
            yield from _fields(supergraph, name, sources)
            yield from _arguments(supergraph, name)


def _fields(
    supergraph: Supergraph, name: str, sources: Mapping[str, TypeDefinition]
) -> Iterator[Hint]:
    kind = supergraph.subgraphs.kinds[name]
    entities = [subgraph for subgraph, type_ in sources.items() if has(type_, "key")]
    others = [subgraph for subgraph in sources if subgraph not in entities]
    if entities:
        if others and kind is Kind.OBJECT:
            message = f'"{name}" has a @key in {names(entities)} but none in {names(others)}'
            yield Hint("INCONSISTENT_ENTITY", message, name)
        return
    if name in ROOTS.values():
        return
    for field, found in supergraph.subgraphs.field_sources(name).items():
        missing = [s for s, f in found.items() if f is None and s in sources]
        missing = [s for s in missing if not _is_all_external(supergraph, s, sources[s])]
        if missing:
            code = f"INCONSISTENT_{kind.name}_VALUE_TYPE_FIELD"
            message = f'"{name}" has no field "{field}" in {names(missing)}'
            yield Hint(code, message, f"{name}.{field}")


def _is_all_external(supergraph: Supergraph, subgraph: str, type_: TypeDefinition) -> bool:
    facts = supergraph.subgraphs.by_name[subgraph].facts
    return all(facts.is_external(field) for field in type_.fields.values())


def _arguments(supergraph: Supergraph, name: str) -> Iterator[Hint]:
    for field, sources in supergraph.subgraphs.field_sources(name).items():
        fields = resolving_sources(supergraph.subgraphs, sources)
        for argument, found in argument_sources(fields).items():
            missing = [subgraph for subgraph, one in found.items() if one is None]
            if missing and not is_contextual(found.values()):
                coordinate = f"{name}.{field}({argument}:)"
                message = f'"{coordinate}" is left out, since {names(missing)} do not know it'
                yield Hint("INCONSISTENT_ARGUMENT_PRESENCE", message, coordinate)


def _input_fields(supergraph: Supergraph, name: str) -> Iterator[Hint]:
    for field, found in supergraph.subgraphs.field_sources(name).items():
        missing = [subgraph for subgraph, one in found.items() if one is None]
        if missing and not is_hidden(found):
            coordinate = f"{name}.{field}"
            message = f'"{coordinate}" is left out, since {names(missing)} do not know it'
            yield Hint("INCONSISTENT_INPUT_OBJECT_FIELD", message, coordinate)


def _members(
    supergraph: Supergraph, name: str, sources: Mapping[str, TypeDefinition]
) -> Iterator[Hint]:
    for member in supergraph.subgraphs.members_of_unions.get(name, ()):
        missing = [subgraph for subgraph, type_ in sources.items() if member not in type_.members]
        if missing:
            message = f'"{member}" is no member of "{name}" in {names(missing)}'
            yield Hint("INCONSISTENT_UNION_MEMBER", message, name)


def _values(
    supergraph: Supergraph, name: str, sources: Mapping[str, TypeDefinition]
) -> Iterator[Hint]:
    usage = supergraph.usages[name]
    if not usage.input and not usage.output:
        yield Hint("UNUSED_ENUM_TYPE", f'"{name}" is used nowhere', name)
    for value, found in value_sources(sources).items():
        missing = [subgraph for subgraph, one in found.items() if one is None]
        if not missing:
            continue
        coordinate = f"{name}.{value}"
        if usage.input and not usage.output:
            if not is_hidden(found):
                message = f'"{coordinate}" is left out, since {names(missing)} do not know it'
                yield Hint("INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM", message, coordinate)
        elif not usage.input:
            message = f'"{coordinate}" is unknown in {names(missing)}'
            yield Hint("INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM", message, coordinate)
