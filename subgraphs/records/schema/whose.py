"""What facts lead to: their patient, their visit, the problems they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import strawberry

from subgraphs.records import loaders
from subgraphs.records.schema import encounters, patient, problems
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.following import Read, followed, refs_of

if TYPE_CHECKING:
    from subgraphs.records.schema.encounters import Encounter
    from subgraphs.records.schema.patient import Patient
    from subgraphs.records.schema.problems import Condition


def patient_of(fact: Fact[Any]) -> Patient:
    return patient.Patient(id=strawberry.ID(fact.patient))


async def encounters_of(info: strawberry.Info, fact: Fact[Any], read: Read) -> list[Encounter]:
    """The visits that the fact refers to, those the caller may see."""
    refs = refs_of(fact, "Encounter", read)
    if not refs:
        return []
    found = await loaders.load_encounters(info.context, fact.compartment)
    return [encounters.Encounter.of(info.context, each) for each in followed(found.rows, refs)]


async def encounter_of(info: strawberry.Info, fact: Fact[Any]) -> Encounter | None:
    """The visit of a fact that has one element for it."""
    found = await encounters_of(info, fact, lambda record: record.encounter)
    return next(iter(found), None)


async def conditions_of(info: strawberry.Info, fact: Fact[Any], read: Read) -> list[Condition]:
    """The problems that the fact refers to, those the caller may see."""
    refs = refs_of(fact, "Condition", read)
    if not refs:
        return []
    found = await loaders.load_conditions(info.context, fact.compartment)
    return [problems.Condition.of(info.context, each) for each in followed(found.rows, refs)]
