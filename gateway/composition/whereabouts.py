"""Where the subgraphs declare an element of the supergraph, so that a problem has a place."""

from __future__ import annotations

from graphql import Node

from gateway.composition.schema import (
    Argument,
    EnumValue,
    Field,
    Subgraph,
    TypeDefinition,
    has,
)
from gateway.composition.subgraphs import Subgraphs


def whereabouts(
    subgraphs: Subgraphs, element: TypeDefinition | Field | EnumValue | Argument
) -> tuple[str | None, Node | None]:
    """The subgraph and the node that declare it: where it is hidden, if it is."""
    found = [
        (member.name, own)
        for member in subgraphs.members
        if (own := _declared(member.subgraph, element.coordinate)) is not None
    ]
    hidden = [(name, own) for name, own in found if has(own, "inaccessible")]
    for name, own in hidden or found:
        return name, own.node
    return None, None


def _declared(
    subgraph: Subgraph, coordinate: str
) -> TypeDefinition | Field | EnumValue | Argument | None:
    """By a schema coordinate: `Type`, `Type.field` or `Type.field(argument:)`."""
    path, _, argument = coordinate.partition("(")
    type_name, _, name = path.partition(".")
    type_ = subgraph.types.get(type_name)
    if type_ is None or not name:
        return type_
    field = type_.fields.get(name)
    if field is None or not argument:
        return field or type_.values.get(name)
    return field.arguments.get(argument.removesuffix(":)"))
