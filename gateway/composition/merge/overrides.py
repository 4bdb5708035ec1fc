"""What `@override` does to each subgraph's say in a field, and what may be wrong with it.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives#override
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from gateway.composition.schema import Applied, Field, Kind, applied, has
from gateway.composition.subgraphs import Member, Subgraphs

_LABEL = re.compile(r"[a-zA-Z][a-zA-Z0-9_\-:./]*|percent\((\d{1,2}(\.\d{1,8})?|100)\)")


class Outcome(Enum):
    ON_INTERFACE = auto()
    ON_INTERFACE_OBJECT = auto()
    FROM_UNKNOWN = auto()
    FROM_SELF = auto()
    FROM_OVERRIDE = auto()
    FROM_NOTHING = auto()
    FROM_ABSTRACTED = auto()
    COLLISION = auto()
    FROM_EXTERNAL = auto()
    STILL_USED = auto()
    UNUSED = auto()


@dataclass(frozen=True, slots=True)
class Override:
    """One `@override`: what came of it, and with which directive it collides if it does."""

    subgraph: str
    directive: Applied
    outcome: Outcome
    collides_with: str | None = None

    @property
    def source(self) -> str:
        return self.directive.text("from") or ""

    @property
    def label(self) -> str | None:
        return self.directive.text("label")

    @property
    def is_label_valid(self) -> bool:
        return self.label is None or _LABEL.fullmatch(self.label) is not None


@dataclass(frozen=True, slots=True)
class OverrideState:
    """A subgraph's standing in a field once the overrides are applied."""

    used: bool = False
    unused: bool = False
    label: str | None = None

    @property
    def is_overridden(self) -> bool:
        return self.used or self.unused


NOT_OVERRIDDEN = OverrideState()


def read_overrides(
    subgraphs: Subgraphs, type_name: str, field_name: str, sources: Mapping[str, Field | None]
) -> Iterator[Override]:
    overriding = {
        name: directives[0]
        for name, field in sources.items()
        if field is not None and (directives := applied(field, "override"))
    }
    for name, directive in overriding.items():
        member, field = subgraphs.by_name[name], sources[name]
        assert field is not None
        source = subgraphs.by_name.get(directive.text("from") or "")
        if (outcome := _unfit(member, type_name)) is not None:
            yield Override(name, directive, outcome)
        elif source is None:
            yield Override(name, directive, Outcome.FROM_UNKNOWN)
        elif source.name == name:
            yield Override(name, directive, Outcome.FROM_SELF)
        elif source.name in overriding:
            yield Override(name, directive, Outcome.FROM_OVERRIDE)
        elif (from_field := sources.get(source.name)) is None:
            abstracted = subgraphs.abstracted(source, type_name, field_name)
            outcome = Outcome.FROM_ABSTRACTED if abstracted else Outcome.FROM_NOTHING
            yield Override(name, directive, outcome)
        elif (other := _collision(member, field, from_field)) is not None:
            yield Override(name, directive, Outcome.COLLISION, other)
        else:
            yield Override(name, directive, _effect(source, from_field))


def override_states(
    subgraphs: Subgraphs, type_name: str, field_name: str, sources: Mapping[str, Field | None]
) -> dict[str, OverrideState]:
    """The standing of every subgraph an override touches; the others are `NOT_OVERRIDDEN`."""
    states: dict[str, OverrideState] = {}
    effective = (Outcome.FROM_EXTERNAL, Outcome.STILL_USED, Outcome.UNUSED)
    for override in read_overrides(subgraphs, type_name, field_name, sources):
        if override.outcome in effective:
            label = override.label if override.is_label_valid else None
            states[override.subgraph] = OverrideState(label=label)
            states[override.source] = OverrideState(
                used=override.outcome is Outcome.STILL_USED,
                unused=override.outcome is Outcome.UNUSED,
                label=label,
            )
    return states


def _unfit(member: Member, type_name: str) -> Outcome | None:
    type_ = member.subgraph.types[type_name]
    if type_.kind is Kind.INTERFACE:
        return Outcome.ON_INTERFACE
    if member.facts.is_interface_object(type_):
        return Outcome.ON_INTERFACE_OBJECT
    return None


def _collision(member: Member, field: Field, from_field: Field) -> str | None:
    for directive in ("requires", "provides"):
        if has(from_field, directive):
            return directive
    return "external" if member.facts.is_external(field) else None


def _effect(source: Member, from_field: Field) -> Outcome:
    if source.facts.is_external(from_field):
        return Outcome.FROM_EXTERNAL
    is_used = from_field.coordinate in source.facts.used
    return Outcome.STILL_USED if is_used else Outcome.UNUSED
