"""Visits and stays, and what belongs to each."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import strawberry
from strawberry import federation

from subgraphs.records import kinds, loaders, model
from subgraphs.records.billing import seal_visit
from subgraphs.records.schema import documents, problems, whose
from subgraphs.records.schema.events import Immunization, Procedure, reasons
from subgraphs.records.schema.later import ConditionOfFact, DocumentOfFact, PatientOfFact
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.connection import Connection
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Coding, Identifier, Period
from subgraphs.runtime.encounters import RECORD_KEY, facts_of_encounter, record_key_of
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import (
    ENCOUNTER,
    common,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.following import held_by
from subgraphs.runtime.naming import AuthoredNode, Party, parties_of, party_of, told_by
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for


@strawberry.type(description="Who took part in a visit, as what and when.")
class EncounterParticipant:
    role: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="`ATND` attender, `PPRF` primary performer, …; "
        "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    )
    period: Period | None = strawberry.field(description="From when to when.")
    individual: Party | None = strawberry.field(description="Who.")

    @classmethod
    def of(cls, source: str, wire: model.Participant) -> EncounterParticipant:
        return cls(
            role=CodeableConcept.all_of(wire.type),
            period=Period.of(wire.period),
            individual=Party.of(source, wire.individual) if wire.individual else None,
        )


# Records knows itself which records are the visit.
_held: Final = partial(facts_of_encounter, requires=())


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Encounter"),
    description=ENCOUNTER,
)
class Encounter(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="Who was seen.")
    status: str | None = strawberry.field(
        description="`planned`, `arrived`, `in-progress`, `finished`, `cancelled`, …; "
        "http://hl7.org/fhir/encounter-status"
    )
    encounter_class: Coding | None = strawberry.field(
        description="`AMB` ambulatory, `IMP` inpatient, `EMER` emergency, `VR` virtual; "
        "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    )
    type: list[CodeableConcept] = strawberry.field(description="What kind of visit, in detail.")
    period: Period | None = strawberry.field(description="From when to when.")
    identifiers: list[Identifier] = strawberry.field(directives=[FEW], description="Visit numbers.")
    reason: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="Why the patient came: coded, or the names of the problems referred to.",
    )
    participants: list[EncounterParticipant] = strawberry.field(
        directives=[FEW], description="Who took part."
    )
    locations: list[Party] = strawberry.field(directives=[FEW], description="Where.")
    service_provider: Party | None = strawberry.field(description="The organization responsible.")
    admit_source: CodeableConcept | None = strawberry.field(
        description="From where the patient came to a stay."
    )
    discharge_disposition: CodeableConcept | None = strawberry.field(
        description="Where the patient went after a stay: home, to another facility, …"
    )

    @federation.field(inaccessible=True, description=RECORD_KEY)
    def record_key(self, info: strawberry.Info) -> str | None:
        return record_key_of(info.context, self.fact)

    @federation.field(inaccessible=True, description="The way to its claims, sealed for coverage.")
    def billing_key(self, info: strawberry.Info) -> str | None:
        return seal_visit(info.context, self.fact)

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("Condition"),
        description="The problems it was for, those the caller may see.",
    )
    async def reason_conditions(self, info: strawberry.Info) -> list[ConditionOfFact] | None:
        return await whose.conditions_of(info, self.fact, lambda e: e.reason_reference)

    async def opened(self, _request: Request[Any]) -> tuple[Compartment, tuple[Link, ...]]:
        """Whose it is, and its records."""
        records = tuple(Link(source, id_) for source, id_ in held_by(self.fact))
        return self.fact.compartment, records

    conditions: Connection[ConditionOfFact] | None = _held(
        "Condition",
        lambda: problems.Condition,
        loaders.load_conditions,
        "What was diagnosed or noted in it.",
    )

    procedures: Connection[Procedure] | None = _held(
        "Procedure", lambda: Procedure, loaders.load_procedures, "What was done in it."
    )

    immunizations: Connection[Immunization] | None = _held(
        "Immunization",
        lambda: Immunization,
        loaders.load_immunizations,
        "Vaccinations given in it.",
    )

    documents: Connection[DocumentOfFact] | None = _held(
        "DocumentReference",
        lambda: documents.DocumentReference,
        loaders.load_documents,
        "Notes and other documents of it.",
        read=lambda document: document.context.encounter,
    )

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[model.Encounter]) -> Encounter:
        record = fact.resource
        stay = record.hospitalization or model.Hospitalization()
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            status=record.status,
            encounter_class=Coding.of(record.class_) if record.class_ else None,
            type=CodeableConcept.all_of(record.type),
            period=Period.of(record.period),
            identifiers=Identifier.all_of(record.identifier),
            reason=reasons(record.reason_code, record.reason_reference),
            participants=told_by(fact, EncounterParticipant.of, lambda e: e.participant),
            locations=parties_of(fact, lambda e: [at.location for at in e.location]),
            service_provider=party_of(fact, lambda e: e.service_provider),
            admit_source=CodeableConcept.of(stay.admit_source),
            discharge_disposition=CodeableConcept.of(stay.discharge_disposition),
        )

    resolve_references = facts_by_id(kinds.ENCOUNTERS, loaders.load_encounters)
