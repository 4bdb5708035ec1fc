"""The join directives: which subgraph says what. https://specs.apollo.dev/join/v0.3"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.composition.context import parse_context
from gateway.composition.merge.overrides import NOT_OVERRIDDEN, OverrideState
from gateway.composition.schema import Applied, EnumValue, Field, TypeDefinition, applied, has
from gateway.composition.subgraphs import Member, Subgraphs
from gateway.composition.values import EnumName, ObjectValue, Value


def join_types(subgraphs: Subgraphs, sources: Mapping[str, TypeDefinition]) -> list[Applied]:
    """One per key, or one where there is no key."""
    joins = []
    for name, type_ in sources.items():
        member = subgraphs.by_name[name]
        stands_in = member.facts.is_interface_object(type_)
        keys = applied(type_, "key")
        if not keys:
            joins.append(_join("type", member, isInterfaceObject=stands_in or None))
        for key in keys:
            resolvable = key.arguments.get("resolvable")
            joins.append(
                _join(
                    "type",
                    member,
                    key=key.text("fields"),
                    extension=bool(key.part or has(type_, "extends")) or None,
                    resolvable=resolvable,
                    isInterfaceObject=stands_in or None,
                )
            )
    return joins


def join_implements(subgraphs: Subgraphs, sources: Mapping[str, TypeDefinition]) -> list[Applied]:
    return [
        _join("implements", subgraphs.by_name[name], interface=interface)
        for name, type_ in sources.items()
        for interface in type_.interfaces
    ]


def join_union_members(
    subgraphs: Subgraphs, sources: Mapping[str, TypeDefinition], members: tuple[str, ...]
) -> list[Applied]:
    return [
        _join("unionMember", subgraphs.by_name[name], member=member)
        for member in members
        for name, type_ in sources.items()
        if member in type_.members
    ]


def join_enum_values(
    subgraphs: Subgraphs, sources: Mapping[str, EnumValue | None]
) -> list[Applied]:
    return [_join("enumValue", subgraphs.by_name[name]) for name, value in sources.items() if value]


def join_fields(
    subgraphs: Subgraphs,
    sources: Mapping[str, Field | None],
    states: Mapping[str, OverrideState],
    *,
    equal: bool,
) -> list[Applied]:
    """None where a field is the same in every subgraph that has its type."""
    if equal and not _is_remarkable(subgraphs, sources, states):
        return []
    joins = []
    for name, field in sources.items():
        member = subgraphs.by_name[name]
        state = states.get(name, NOT_OVERRIDDEN)
        if field is None or (state.unused and not state.label):
            continue
        override = applied(field, "override")
        joins.append(
            _join(
                "field",
                member,
                requires=_fields(field, "requires"),
                provides=_fields(field, "provides"),
                type=None if equal else str(field.type),
                external=member.facts.is_external(field) or None,
                override=override[-1].text("from") if override else None,
                usedOverridden=state.used or None,
                overrideLabel=state.label,
                contextArguments=tuple(_context_arguments(member, field)) or None,
            )
        )
    return joins


def join_inherited() -> Applied:
    """On a field that only interface objects provide: no one graph has it."""
    return Applied("join__field", None, {})


def _is_remarkable(
    subgraphs: Subgraphs,
    sources: Mapping[str, Field | None],
    states: Mapping[str, OverrideState],
) -> bool:
    if any(state.used or state.label for state in states.values()):
        return True
    parent = next(field.parent for field in sources.values() if field)
    for name, field in sources.items():
        member = subgraphs.by_name[name]
        if field is None or states.get(name, NOT_OVERRIDDEN).unused:
            if parent in member.subgraph.types:
                return True
        elif (
            member.facts.is_external(field)
            or any(has(field, directive) for directive in ("provides", "requires"))
            or any(has(argument, "fromContext") for argument in field.arguments.values())
        ):
            return True
    return False


def _context_arguments(member: Member, field: Field) -> Iterator[ObjectValue]:
    for argument in field.arguments.values():
        for directive in applied(argument, "fromContext"):
            context, selection = parse_context(directive.text("field") or "")
            fields: dict[str, Value] = {
                "context": f"{member.name}__{context}",
                "name": argument.name,
                "type": str(argument.type),
                "selection": selection,
            }
            yield ObjectValue(frozenset(fields.items()), tuple(fields))


def _fields(field: Field, means: str) -> str | None:
    directives = applied(field, means)
    return directives[0].text("fields") if directives else None


def _join(kind: str, member: Member, /, **arguments: Value) -> Applied:
    given = {name: value for name, value in arguments.items() if value is not None}
    return Applied(f"join__{kind}", None, {"graph": EnumName(member.graph), **given})
