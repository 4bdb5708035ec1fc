"""Whom a record names, as published: a clinician, an organization, a place, the patient herself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import strawberry
from strawberry import federation

from subgraphs.runtime import fhir
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.following import Read


@federation.type(
    shareable=True,
    description="Someone or something that a record names: a clinician, an organization, a place, "
    "a device, the patient or a relative.",
)
class Party:
    type: str | None = strawberry.field(
        description="A FHIR resource type: `Practitioner`, `Organization`, `Patient`, …"
    )
    display: str | None = strawberry.field(
        description="The name, as far as the record tells it itself."
    )

    @classmethod
    def of(cls, reference: fhir.Reference) -> Party:
        return cls(type=reference.resource_type, display=reference.display)


def parties_of(fact: Fact[Any], read: Read) -> list[Party]:
    """Those whom the first record to name any names: what two charts call one person differs."""
    for record in fact.leading:
        said = read(record.resource)
        named = [said] if isinstance(said, fhir.Reference) else list(said or ())
        if any(named):
            return [Party.of(reference) for reference in named if reference is not None]
    return []


def party_of(fact: Fact[Any], read: Callable[[Any], fhir.Reference | None]) -> Party | None:
    return next(iter(parties_of(fact, read)), None)


def all_of(references: Iterable[fhir.Reference | None]) -> list[Party]:
    return [Party.of(reference) for reference in references if reference is not None]
