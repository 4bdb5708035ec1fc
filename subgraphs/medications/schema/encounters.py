"""Where prescriptions lead: their visits, with what was prescribed in each, and their reasons."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from subgraphs.medications import loaders
from subgraphs.medications.schema import types
from subgraphs.medications.schema.later import RequestOfFact
from subgraphs.runtime.connection import Connection
from subgraphs.runtime.encounters import EncounterNode, facts_of_encounter
from subgraphs.runtime.fact_nodes import CONDITION, ENCOUNTER, FACT_ID
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.following import Read, refs_of, sealed
from subgraphs.runtime.request import Request


@federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)], description=CONDITION)
class Condition:
    id: strawberry.ID = strawberry.field(description=FACT_ID)


@federation.type(keys=["id"], description=ENCOUNTER)
class Encounter(EncounterNode):
    medication_requests: Connection[RequestOfFact] | None = facts_of_encounter(
        "MedicationRequest",
        lambda: types.MedicationRequest,
        loaders.load_requests,
        "What was prescribed in it.",
    )


def encounter_of(request: Request[Any], fact: Fact[Any], read: Read) -> Encounter | None:
    """The visit that the first record to name one names: ids are each source's own."""
    ids = sealed(request, "records", refs_of(fact, "Encounter", read))
    return Encounter(id=ids[0]) if ids else None


def conditions_of(request: Request[Any], fact: Fact[Any]) -> list[Condition]:
    refs = refs_of(fact, "Condition", lambda record: record.reason_reference)
    return [Condition(id=id_) for id_ in sealed(request, "records", refs)]
