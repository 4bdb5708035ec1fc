from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.composable import ACCESS_DIRECTIVES
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Hint
from gateway.composition.schema import Field, Kind, TypeDefinition, has
from gateway.composition.types import NonNull, base_name


def protected_non_null(supergraph: Supergraph) -> Iterator[Hint]:
    """Who may not read a field gets null for it, and where it cannot be null, for its parent."""
    for type_ in supergraph.types.values():
        if type_.kind is not Kind.OBJECT:
            continue
        for field in type_.fields.values():
            returned = supergraph.types.get(base_name(field.type))
            is_protected = _is_protected(field) or (returned and _is_protected(returned))
            if is_protected and isinstance(field.type, NonNull):
                message = (
                    f'"{field.coordinate}" is protected but of type "{field.type}": for whoever may'
                    f' not read it, the whole "{type_.name}" becomes null'
                )
                yield Hint("PROTECTED_FIELD_NOT_NULLABLE", message, field.coordinate)


def _is_protected(element: TypeDefinition | Field) -> bool:
    return any(has(element, means) for means in ACCESS_DIRECTIVES)
