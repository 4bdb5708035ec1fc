from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.composition.merge.composable import ACCESS_DIRECTIVES
from gateway.composition.merge.strategies import Conditions, implies, read_conditions
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Hint
from gateway.composition.schema import Field, Kind, TypeDefinition, applied, has
from gateway.composition.types import NonNull, base_name

# Different requirements that are followed along paths; fields with others are all hinted at.
MAX_FOLLOWED = 200


def protected_non_null(supergraph: Supergraph) -> Iterator[Hint]:
    """Who may not read a field gets null for it, and where it cannot be null, for its parent.

    Nobody does who could not have come to the parent, since every way there asks for as much.
    """
    suspects = list(_suspects(supergraph))
    asked = dict.fromkeys(one for _, field in suspects for one in _asked(supergraph, field))
    guaranteed = _guarantees(supergraph, frozenset(list(asked)[:MAX_FOLLOWED]))
    for type_, field in suspects:
        if type_.name in guaranteed and not _asked(supergraph, field) <= guaranteed[type_.name]:
            message = (
                f'"{field.coordinate}" is protected but of type "{field.type}": for whoever may'
                f' not read it, the whole "{type_.name}" becomes null'
            )
            yield Hint("PROTECTED_FIELD_NOT_NULLABLE", message, field.coordinate)


@dataclass(frozen=True, slots=True)
class _Requirement:
    """One application of a directive; `conditions` are those of `@authenticated` alone: none."""

    means: str
    conditions: Conditions = frozenset()

    def covers(self, other: _Requirement) -> bool:
        """Whether whoever meets this one meets the other: who has a scope has signed in."""
        if other.means == "authenticated":
            asks = frozenset[str]() not in self.conditions
            return self.means == "authenticated" or (self.means == "requiresScopes" and asks)
        return self.means == other.means and implies(self.conditions, other.conditions)


_Requirements = frozenset[_Requirement]


def _suspects(supergraph: Supergraph) -> Iterator[tuple[TypeDefinition, Field]]:
    """The fields clients see that are protected and cannot be null, with their types."""
    for type_ in supergraph.types.values():
        if type_.kind is Kind.OBJECT:
            for field in _visible_fields(type_):
                if isinstance(field.type, NonNull) and _asked(supergraph, field):
                    yield type_, field


def _guarantees(supergraph: Supergraph, followed: _Requirements) -> Mapping[str, _Requirements]:
    """By object type: what whoever comes to one has met, whichever way, from a root on.

    Types that no field leads to are missing. An object of an interface or union is come to by the
    fields that return those; as an entity, nobody but the gateway comes to it.
    """
    covered = _Covered(followed)
    found = {
        root: covered.by(_of(supergraph.types[root]))
        for root in supergraph.roots
        if not has(supergraph.types[root], "inaccessible")
    }
    pending = list(found)
    while pending:
        type_ = supergraph.types[pending.pop()]
        for field in _visible_fields(type_):
            passed = found[type_.name] | covered.by(_asked(supergraph, field))
            for name in supergraph.subgraphs.objects(base_name(field.type)):
                object_type = supergraph.types.get(name)
                if object_type is None or object_type.kind is not Kind.OBJECT:
                    continue
                arrived = passed | covered.by(_of(object_type))
                everyway = arrived & found.get(name, arrived)
                if name not in found or everyway != found[name]:
                    found[name] = everyway
                    pending.append(name)
    return found


class _Covered:
    """Which of the requirements that are followed are met with others; remembered."""

    def __init__(self, followed: _Requirements) -> None:
        self._followed = followed
        self._known: dict[_Requirement, _Requirements] = {}

    def by(self, met: _Requirements) -> _Requirements:
        return frozenset().union(*map(self._by_one, met))

    def _by_one(self, met: _Requirement) -> _Requirements:
        if met not in self._known:
            self._known[met] = frozenset(one for one in self._followed if met.covers(one))
        return self._known[met]


def _visible_fields(type_: TypeDefinition) -> Iterator[Field]:
    return (field for field in type_.fields.values() if not has(field, "inaccessible"))


def _asked(supergraph: Supergraph, field: Field) -> _Requirements:
    """What the field asks for: by itself, and by the type it returns."""
    returned = supergraph.types.get(base_name(field.type))
    return _of(field) | (_of(returned) if returned else frozenset())


def _of(element: TypeDefinition | Field) -> _Requirements:
    arguments = {"requiresScopes": "scopes", "policy": "policies"}
    return frozenset(
        _Requirement(means, read_conditions(directive.arguments.get(arguments[means])))
        if means in arguments
        else _Requirement(means)
        for means in ACCESS_DIRECTIVES
        for directive in applied(element, means)
    )
