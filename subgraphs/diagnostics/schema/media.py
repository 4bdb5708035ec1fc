"""Photographs, recordings and single images as published."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation

from subgraphs.diagnostics import kinds, loaders, model
from subgraphs.diagnostics.schema import whose
from subgraphs.diagnostics.schema.later import EncounterOfFact, OrderOfFact, PatientOfFact
from subgraphs.runtime.attachments import Attachment
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Identifier
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import AuthoredNode, Party, party_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Media"),
    description="A photograph, a recording or a single image. https://hl7.org/fhir/R4/media.html",
)
class Media(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="Of whom.")
    identifiers: list[Identifier] = strawberry.field(directives=[FEW], description="Its numbers.")
    status: str | None = strawberry.field(
        description="`completed`, `in-progress`, `not-done`, …; http://hl7.org/fhir/event-status"
    )
    type: CodeableConcept | None = strawberry.field(
        description="`image`, `video` or `audio`; http://terminology.hl7.org/CodeSystem/media-type"
    )
    modality: CodeableConcept | None = strawberry.field(description="How it was made.")
    view: CodeableConcept | None = strawberry.field(description="From where it was taken.")
    body_site: CodeableConcept | None = strawberry.field(description="Where on the body.")
    created: DateTime | None = strawberry.field(description="When it was made.")
    issued: DateTime | None = strawberry.field(description="When this version was released.")
    operator: Party | None = strawberry.field(description="Who made it.")
    reason: list[CodeableConcept] = strawberry.field(directives=[FEW], description="Why.")
    encounter: EncounterOfFact | None = strawberry.field(description="The visit it belongs to.")
    attachment: Attachment | None = strawberry.field(description="What it is, and its content.")
    notes: list[str] = strawberry.field(directives=[FEW], description="Remarks.")

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("ServiceRequest"),
        description="The orders it was made on, those the caller may see.",
    )
    async def orders(self, info: strawberry.Info) -> list[OrderOfFact] | None:
        return await whose.orders_of(info, self.fact)

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[model.Media]) -> Media:
        record, leading = fact.resource, fact.leading[0]
        content = leading.resource.content
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            identifiers=Identifier.all_of(record.identifier),
            status=record.status,
            type=CodeableConcept.of(record.type),
            modality=CodeableConcept.of(record.modality),
            view=CodeableConcept.of(record.view),
            body_site=CodeableConcept.of(record.body_site),
            created=date_time(record.created),
            issued=date_time(record.issued),
            operator=party_of(fact, lambda media: media.operator),
            reason=CodeableConcept.all_of(record.reason_code),
            encounter=whose.encounter_of(request, fact),
            attachment=Attachment.of(content, leading.source, fact) if content else None,
            notes=[note.text for note in record.note if note.text],
        )

    resolve_references = facts_by_id(kinds.MEDIA, loaders.load_media)
