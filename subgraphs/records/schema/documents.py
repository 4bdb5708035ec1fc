"""What is written about a patient, and the forms that were filled in."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation

from subgraphs.records import kinds, loaders, model
from subgraphs.records.schema import whose
from subgraphs.records.schema.later import EncounterOfFact, PatientOfFact
from subgraphs.runtime.attachments import Attachment
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Coding, Identifier, Period
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import (
    DOCUMENT_REFERENCE,
    QUESTIONNAIRE_RESPONSE,
    common,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import AuthoredNode, Party, parties_of, party_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@strawberry.type(description="One form a document comes in, such as PDF or C-CDA.")
class DocumentContent:
    attachment: Attachment = strawberry.field(description="What it is, and its content.")
    format: Coding | None = strawberry.field(
        description="Beyond its media type, what it is built like: "
        "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode"
    )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("DocumentReference"),
    description=DOCUMENT_REFERENCE,
)
class DocumentReference(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="Whom it is about.")
    identifiers: list[Identifier] = strawberry.field(
        directives=[FEW], description="Its numbers, the master identifier first."
    )
    status: str | None = strawberry.field(
        description="`current` or `superseded`; http://hl7.org/fhir/document-reference-status"
    )
    doc_status: str | None = strawberry.field(
        description="Of what is written: `preliminary`, `final` or `amended`; "
        "http://hl7.org/fhir/composition-status"
    )
    type: CodeableConcept | None = strawberry.field(description="What kind of document: LOINC.")
    category: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="`clinical-note`, …; "
        "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    )
    date: DateTime | None = strawberry.field(description="When the reference was made.")
    authenticated_date: DateTime | None = strawberry.field(
        description="When somebody vouched for it."
    )
    authors: list[Party] = strawberry.field(directives=[FEW], description="Who wrote it.")
    authenticator: Party | None = strawberry.field(description="Who vouches for it.")
    custodian: Party | None = strawberry.field(description="Who keeps it.")
    description: str | None = strawberry.field(description="What it is, in words.")
    period: Period | None = strawberry.field(description="The time of the care it tells of.")
    contents: list[DocumentContent] = strawberry.field(
        directives=[FEW], description="The forms it comes in."
    )

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("Encounter"),
        description="The visits it is about, those the caller may see.",
    )
    async def encounters(self, info: strawberry.Info) -> list[EncounterOfFact] | None:
        return await whose.encounters_of(
            info, self.fact, lambda document: document.context.encounter
        )

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[model.DocumentReference]) -> DocumentReference:
        record = fact.resource
        (leading, *_) = fact.leading
        numbers = [record.master_identifier] if record.master_identifier else []
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            identifiers=Identifier.all_of([*numbers, *record.identifier]),
            status=record.status,
            doc_status=record.doc_status,
            type=CodeableConcept.of(record.type),
            category=CodeableConcept.all_of(record.category),
            date=date_time(record.date),
            authenticated_date=date_time(record.authenticated),
            authors=parties_of(fact, lambda d: d.author),
            authenticator=party_of(fact, lambda d: d.authenticator),
            custodian=party_of(fact, lambda d: d.custodian),
            description=record.description,
            period=Period.of(record.context.period),
            # The leading record's alone: where a content lies is told in its own source's terms.
            contents=[
                DocumentContent(
                    attachment=Attachment.of(each.attachment, leading.source, fact),
                    format=Coding.of(each.format) if each.format else None,
                )
                for each in leading.resource.content
            ],
        )

    resolve_references = facts_by_id(kinds.DOCUMENTS, loaders.load_documents)


@strawberry.type(description="What was answered to a question of a form.")
class QuestionnaireAnswer:
    text: str | None = strawberry.field(
        description="The answer as text, whatever kind it is: a code's wording, a number, a date."
    )
    coding: Coding | None = strawberry.field(description="A choice of the form.")

    @classmethod
    def of(cls, reply: model.Reply) -> QuestionnaireAnswer:
        coding, amount = reply.value_coding, reply.value_quantity
        others = (
            reply.value_string,
            reply.value_decimal,
            reply.value_integer,
            reply.value_date,
            reply.value_date_time,
            reply.value_time,
            reply.value_uri,
            coding and (coding.display or coding.code),
            amount and " ".join(str(p) for p in (amount.value, amount.unit or amount.code) if p),
        )
        said = next((str(other) for other in others if other is not None), None)
        if reply.value_boolean is not None:
            said = "yes" if reply.value_boolean else "no"
        return cls(text=said, coding=Coding.of(coding) if coding else None)


@strawberry.type(description="A question of a form, or a heading over some.")
class QuestionnaireItem:
    link_id: str | None = strawberry.field(description="Its id in the form.")
    text: str | None = strawberry.field(description="What is asked.")
    depth: int = strawberry.field(description="How deep it lies within other items; 0 is a top.")
    answers: list[QuestionnaireAnswer] = strawberry.field(
        directives=[FEW], description="What was answered."
    )

    @classmethod
    def of(cls, depth: int, item: model.Item) -> QuestionnaireItem:
        answers = [QuestionnaireAnswer.of(reply) for reply in item.answer]
        return cls(link_id=item.link_id, text=item.text, depth=depth, answers=answers)


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("QuestionnaireResponse"),
    description=QUESTIONNAIRE_RESPONSE,
)
class QuestionnaireResponse(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="Whom it is about.")
    identifier: Identifier | None = strawberry.field(description="Its number.")
    questionnaire: str | None = strawberry.field(
        description="The form's canonical URL, with its version behind a `|`."
    )
    form_url: str | None = strawberry.field(description="Where the form can be seen, if told.")
    title: str | None = strawberry.field(description="What the form is called.")
    status: str | None = strawberry.field(
        description="`in-progress`, `completed`, `amended` or `stopped`; "
        "http://hl7.org/fhir/questionnaire-answers-status"
    )
    authored: DateTime | None = strawberry.field(description="When it was filled in.")
    author: Party | None = strawberry.field(description="Who filled it in.")
    items: list[QuestionnaireItem] = strawberry.field(
        description="Every question and heading in the order of the form, at most 1,000."
    )

    @federation.field(
        requires_scopes=scopes_for("Encounter"),
        description="The visit it was filled in for, if the caller may see it.",
    )
    async def encounter(self, info: strawberry.Info) -> EncounterOfFact | None:
        return await whose.encounter_of(info, self.fact)

    @classmethod
    def of(
        cls, _request: Request[Any], fact: Fact[model.QuestionnaireResponse]
    ) -> QuestionnaireResponse:
        record = fact.resource
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            identifier=Identifier.of(record.identifier),
            questionnaire=record.questionnaire,
            form_url=record.form_url,
            title=record.form_name,
            status=record.status,
            authored=date_time(record.authored),
            author=party_of(fact, lambda r: r.author),
            items=[QuestionnaireItem.of(depth, item) for depth, item in record.walked],
        )

    resolve_references = facts_by_id(kinds.RESPONSES, loaders.load_responses)
