"""The records subgraph as published: five kinds of facts, and a patient's lists of them.

One file, because each fact names its patient and the patient lists each fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry
from strawberry import federation

from subgraphs.records import loaders, model
from subgraphs.runtime.connection import After, Connection, First
from subgraphs.runtime.datatypes import CodeableConcept, Coding, Period, date
from subgraphs.runtime.fact_nodes import (
    ENCOUNTER,
    PATIENT,
    FactNode,
    PatientNode,
    common,
    list_facts,
    resolve_facts,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date, DateTime, date_time
from subgraphs.runtime.schema import Representation, build_schema
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Encounter"),
    description=ENCOUNTER,
)
class Encounter(FactNode):
    patient: Patient = strawberry.field(description="Who was seen.")
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
    reason: list[CodeableConcept] = strawberry.field(description="Why the patient came.")
    participants: list[str] = strawberry.field(
        description="Who took part, by name, as far as the source names them."
    )
    location: str | None = strawberry.field(description="Where, as far as the source names it.")
    service_provider: str | None = strawberry.field(
        description="The organization responsible, as far as the source names it."
    )

    @classmethod
    def of(cls, fact: Fact[model.Encounter]) -> Encounter:
        record = fact.resource
        people = (p.individual.display for p in record.participant if p.individual)
        places = (at.location.display for at in record.location if at.location)
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            status=record.status,
            encounter_class=Coding.of(record.class_) if record.class_ else None,
            type=CodeableConcept.all_of(record.type),
            period=Period.of(record.period),
            reason=CodeableConcept.all_of(record.reason_code),
            participants=[name for name in people if name],
            location=next((place for place in places if place), None),
            service_provider=record.service_provider.display if record.service_provider else None,
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return await resolve_facts(
            request, loaders.ENCOUNTERS, loaders.load_encounters, cls.of, representations
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Condition"),
    description="A problem or diagnosis. https://hl7.org/fhir/R4/condition.html",
)
class Condition(FactNode):
    patient: Patient = strawberry.field(description="Who has or had it.")
    code: CodeableConcept | None = strawberry.field(
        description="What it is: ICD-10-CM, SNOMED CT or both."
    )
    clinical_status: str | None = strawberry.field(
        description="`active`, `recurrence`, `relapse`, `inactive`, `remission` or `resolved`; "
        "http://terminology.hl7.org/CodeSystem/condition-clinical"
    )
    verification_status: str | None = strawberry.field(
        description="`unconfirmed`, `provisional`, `differential`, `confirmed` or `refuted`; "
        "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    )
    category: list[CodeableConcept] = strawberry.field(
        description="`problem-list-item`, `encounter-diagnosis`, `health-concern`."
    )
    severity: CodeableConcept | None = strawberry.field(description="As a rule of SNOMED CT.")
    onset: DateTime | None = strawberry.field(description="When it began.")
    abatement: DateTime | None = strawberry.field(description="When it ended.")
    recorded_date: DateTime | None = strawberry.field(description="When it was first recorded.")
    notes: list[str] = strawberry.field(description="Remarks of those who recorded it.")

    @classmethod
    def of(cls, fact: Fact[model.Condition]) -> Condition:
        record = fact.resource
        verified = record.verification_status
        written = (note for each in fact.records for note in each.resource.note)
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            code=CodeableConcept.of(record.code),
            clinical_status=record.clinical_status.code if record.clinical_status else None,
            verification_status=verified.code if verified else None,
            category=CodeableConcept.all_of(record.category),
            severity=CodeableConcept.of(record.severity),
            onset=date_time(record.onset),
            abatement=date_time(record.abatement),
            recorded_date=date_time(record.recorded_date),
            notes=list(dict.fromkeys(note.text for note in written if note.text)),
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return await resolve_facts(
            request, loaders.CONDITIONS, loaders.load_conditions, cls.of, representations
        )


@strawberry.type(description="What happened when the patient met the substance.")
class AllergyReaction:
    manifestation: list[CodeableConcept] = strawberry.field(description="Signs and symptoms.")
    severity: str | None = strawberry.field(description="`mild`, `moderate` or `severe`.")
    description: str | None = strawberry.field(description="The event in words.")


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("AllergyIntolerance"),
    description="An allergy or intolerance. https://hl7.org/fhir/R4/allergyintolerance.html",
)
class AllergyIntolerance(FactNode):
    patient: Patient = strawberry.field(description="Who is allergic.")
    code: CodeableConcept | None = strawberry.field(
        description="The substance, RxNorm or SNOMED CT; or that there is no known allergy."
    )
    clinical_status: str | None = strawberry.field(
        description="`active`, `inactive` or `resolved`; "
        "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    )
    verification_status: str | None = strawberry.field(
        description="`unconfirmed`, `presumed`, `confirmed` or `refuted`."
    )
    type: str | None = strawberry.field(description="`allergy` or `intolerance`.")
    category: list[str] = strawberry.field(
        description="`food`, `medication`, `environment`, `biologic`."
    )
    criticality: str | None = strawberry.field(
        description="The potential harm of a future reaction: `low`, `high` or `unable-to-assess`."
    )
    onset: DateTime | None = strawberry.field(description="When it first showed.")
    recorded_date: DateTime | None = strawberry.field(description="When it was first recorded.")
    last_occurrence: DateTime | None = strawberry.field(description="The last known reaction.")
    reactions: list[AllergyReaction] = strawberry.field(description="Known reactions.")

    @classmethod
    def of(cls, fact: Fact[model.AllergyIntolerance]) -> AllergyIntolerance:
        record = fact.resource
        verified = record.verification_status
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            code=CodeableConcept.of(record.code),
            clinical_status=record.clinical_status.code if record.clinical_status else None,
            verification_status=verified.code if verified else None,
            type=record.type,
            category=[category for category in record.category if category],
            criticality=record.criticality,
            onset=date_time(record.onset_date_time),
            recorded_date=date_time(record.recorded_date),
            last_occurrence=date_time(record.last_occurrence),
            reactions=[
                AllergyReaction(
                    manifestation=CodeableConcept.all_of(reaction.manifestation),
                    severity=reaction.severity,
                    description=reaction.description,
                )
                for reaction in record.reaction
            ],
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return await resolve_facts(
            request, loaders.ALLERGIES, loaders.load_allergies, cls.of, representations
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Procedure"),
    description="Something done to or for a patient. https://hl7.org/fhir/R4/procedure.html",
)
class Procedure(FactNode):
    patient: Patient = strawberry.field(description="On whom.")
    code: CodeableConcept | None = strawberry.field(
        description="What was done: SNOMED CT, CPT, HCPCS or ICD-10-PCS."
    )
    status: str | None = strawberry.field(
        description="`preparation`, `in-progress`, `not-done`, `stopped`, `completed`, …; "
        "http://hl7.org/fhir/event-status"
    )
    category: CodeableConcept | None = strawberry.field(description="A broad class of it.")
    performed: DateTime | None = strawberry.field(description="When, or when it began.")
    reason: list[CodeableConcept] = strawberry.field(description="Why.")
    body_site: list[CodeableConcept] = strawberry.field(description="Where on the body.")

    @classmethod
    def of(cls, fact: Fact[model.Procedure]) -> Procedure:
        record = fact.resource
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            code=CodeableConcept.of(record.code),
            status=record.status,
            category=CodeableConcept.of(record.category),
            performed=date_time(record.performed),
            reason=CodeableConcept.all_of(record.reason_code),
            body_site=CodeableConcept.all_of(record.body_site),
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return await resolve_facts(
            request, loaders.PROCEDURES, loaders.load_procedures, cls.of, representations
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Immunization"),
    description="A vaccination given or not. https://hl7.org/fhir/R4/immunization.html",
)
class Immunization(FactNode):
    patient: Patient = strawberry.field(description="Who was vaccinated.")
    vaccine_code: CodeableConcept | None = strawberry.field(
        description="The vaccine: CVX, http://hl7.org/fhir/sid/cvx."
    )
    status: str | None = strawberry.field(description="`completed` or `not-done`.")
    status_reason: CodeableConcept | None = strawberry.field(description="Why it was not done.")
    occurrence: DateTime | None = strawberry.field(description="When.")
    occurrence_text: str | None = strawberry.field(
        description="When, in words, where no date is known: `as a child`."
    )
    primary_source: bool | None = strawberry.field(
        description="Whether whoever gave it reported it."
    )
    lot_number: str | None = strawberry.field(description="The vaccine's lot.")
    expiration_date: Date | None = strawberry.field(description="The lot's expiration date.")
    site: CodeableConcept | None = strawberry.field(description="Where on the body.")
    route: CodeableConcept | None = strawberry.field(description="How it was given.")

    @classmethod
    def of(cls, fact: Fact[model.Immunization]) -> Immunization:
        record = fact.resource
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            vaccine_code=CodeableConcept.of(record.vaccine_code),
            status=record.status,
            status_reason=CodeableConcept.of(record.status_reason),
            occurrence=date_time(record.occurrence_date_time),
            occurrence_text=record.occurrence_string,
            primary_source=record.primary_source,
            lot_number=record.lot_number,
            expiration_date=date(record.expiration_date),
            site=CodeableConcept.of(record.site),
            route=CodeableConcept.of(record.route),
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return await resolve_facts(
            request, loaders.IMMUNIZATIONS, loaders.load_immunizations, cls.of, representations
        )


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        requires=["links"],
        requires_scopes=scopes_for("Condition"),
        description="Problems and diagnoses.",
    )
    async def conditions(
        self,
        info: strawberry.Info,
        clinical_status: Annotated[
            list[str] | None,
            strawberry.argument(description="Only those of these clinical statuses."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Condition] | None:
        wanted = None if clinical_status is None else set(clinical_status)

        def keep(condition: model.Condition) -> bool:
            status = condition.clinical_status
            return wanted is None or (status is not None and status.code in wanted)

        return await list_facts(
            info.context,
            self,
            loaders.load_conditions,
            Condition.of,
            field="conditions",
            first=first,
            after=after,
            keep=keep,
        )

    @federation.field(
        requires=["links"],
        requires_scopes=scopes_for("AllergyIntolerance"),
        description="Allergies and intolerances.",
    )
    async def allergies(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[AllergyIntolerance] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_allergies,
            AllergyIntolerance.of,
            field="allergies",
            first=first,
            after=after,
        )

    @federation.field(
        requires=["links"],
        requires_scopes=scopes_for("Encounter"),
        description="Visits and stays.",
    )
    async def encounters(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Encounter] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_encounters,
            Encounter.of,
            field="encounters",
            first=first,
            after=after,
        )

    @federation.field(
        requires=["links"],
        requires_scopes=scopes_for("Procedure"),
        description="Procedures.",
    )
    async def procedures(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Procedure] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_procedures,
            Procedure.of,
            field="procedures",
            first=first,
            after=after,
        )

    @federation.field(
        requires=["links"],
        requires_scopes=scopes_for("Immunization"),
        description="Vaccinations.",
    )
    async def immunizations(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Immunization] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_immunizations,
            Immunization.of,
            field="immunizations",
            first=first,
            after=after,
        )


SCHEMA = build_schema(None, [Patient])
