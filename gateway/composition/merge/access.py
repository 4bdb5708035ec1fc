"""How access requirements travel between interfaces and the objects behind them.

An interface cannot carry requirements itself; it inherits those of its implementations, since
whoever selects through it reads them. A field that an interface object adds to implementations
binds them, and through them their other interfaces.
https://www.apollographql.com/docs/graphos/routing/security/authorization#interfaces
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.composition.merge.composable import ACCESS_DIRECTIVES
from gateway.composition.schema import Applied, Field, Kind, TypeDefinition, applied
from gateway.composition.subgraphs import Member, Subgraphs


def inherited_access(subgraphs: Subgraphs) -> Mapping[str, Mapping[str, list[Applied]]]:
    """By the coordinate that inherits and the directive: the applications it inherits."""
    found: dict[str, dict[str, list[Applied]]] = {}
    for member in subgraphs.members:
        for type_ in member.subgraph.types.values():
            if type_.kind is not Kind.OBJECT:
                continue
            for directive, heirs in _bequests(subgraphs, member, type_):
                assert directive.means is not None
                for heir in heirs:
                    found.setdefault(heir, {}).setdefault(directive.means, []).append(directive)
    return found


def _bequests(
    subgraphs: Subgraphs, member: Member, type_: TypeDefinition
) -> Iterator[tuple[Applied, list[str]]]:
    interfaces = subgraphs.interfaces.get(type_.name, ())
    for directive in _access(type_):
        if subgraphs.kinds[type_.name] is Kind.OBJECT:
            yield directive, list(interfaces)
    for field in type_.fields.values():
        if member.facts.is_external(field):
            continue
        for directive in _access(field):
            if member.facts.is_interface_object(type_):
                yield directive, _heirs_of_interface_object(subgraphs, type_.name, field.name)
            else:
                yield directive, [f"{interface}.{field.name}" for interface in interfaces]


def _heirs_of_interface_object(subgraphs: Subgraphs, interface: str, field: str) -> list[str]:
    objects = subgraphs.implementations.get(interface, ())
    others = dict.fromkeys(
        other for name in objects for other in subgraphs.interfaces[name] if other != interface
    )
    return [f"{heir}.{field}" for heir in (*objects, *others)]


def _access(element: TypeDefinition | Field) -> Iterator[Applied]:
    for means in ACCESS_DIRECTIVES:
        yield from applied(element, means)
