"""What is written about a patient, and what she wrote herself."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from subgraphs.runtime.fhir import (
    Attachment,
    CodeableConcept,
    Coding,
    Element,
    Extension,
    Identifier,
    Period,
    Quantity,
    Reference,
    Referring,
)

# https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-authentication-time.html
_AUTHENTICATED = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-authentication-time"
# https://hl7.org/fhir/R4/extension-display.html
_DISPLAY = "http://hl7.org/fhir/StructureDefinition/display"
_FORM = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-extension-questionnaire-uri"
_MOST_ITEMS = 1_000
"""Of one response: no form asks more."""


class Content(Element, frozen=True):
    attachment: Attachment = Attachment()
    format: Coding | None = None


class DocumentContext(Element, frozen=True):
    encounter: tuple[Reference, ...] = ()
    event: tuple[CodeableConcept, ...] = ()
    period: Period | None = None
    facility_type: CodeableConcept | None = None
    practice_setting: CodeableConcept | None = None


class RelatesTo(Element, frozen=True):
    code: str | None = None
    target: Reference | None = None


class DocumentReference(Referring, frozen=True, kw_only=True):
    """https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-documentreference.html"""

    extension: tuple[Extension, ...] = ()
    master_identifier: Identifier | None = None
    identifier: tuple[Identifier, ...] = ()
    subject: Reference | None = None
    status: str | None = None
    doc_status: str | None = None
    type: CodeableConcept | None = None
    category: tuple[CodeableConcept, ...] = ()
    date: str | None = None
    author: tuple[Reference, ...] = ()
    authenticator: Reference | None = None
    custodian: Reference | None = None
    relates_to: tuple[RelatesTo, ...] = ()
    description: str | None = None
    content: tuple[Content, ...] = ()
    context: DocumentContext = DocumentContext()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def authenticated(self) -> str | None:
        said = (each.value_date_time for each in self.extension if each.url == _AUTHENTICATED)
        return next(said, None)

    @property
    def replaces(self) -> frozenset[str]:
        """Ids of documents it stands in place of."""
        older = (each.target for each in self.relates_to if each.code == "replaces")
        ids = (target.id_of("DocumentReference") for target in older if target)
        return frozenset(id_ for id_ in ids if id_)


class Reply(Element, frozen=True):
    value_boolean: bool | None = None
    value_decimal: Decimal | None = None
    value_integer: int | None = None
    value_date: str | None = None
    value_date_time: str | None = None
    value_time: str | None = None
    value_string: str | None = None
    value_uri: str | None = None
    value_coding: Coding | None = None
    value_quantity: Quantity | None = None
    item: tuple[Item, ...] = ()


class Item(Element, frozen=True):
    link_id: str | None = None
    text: str | None = None
    answer: tuple[Reply, ...] = ()
    item: tuple[Item, ...] = ()


class Primitive(Element, frozen=True):
    """What stands beside a primitive value. https://hl7.org/fhir/R4/json.html#primitive"""

    extension: tuple[Extension, ...] = ()


class QuestionnaireResponse(Referring, frozen=True, kw_only=True):
    """https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-questionnaireresponse.html"""

    identifier: Identifier | None = None
    questionnaire: str | None = None
    beside_questionnaire: Primitive = msgspec.field(default=Primitive(), name="_questionnaire")
    subject: Reference | None = None
    status: str | None = None
    encounter: Reference | None = None
    authored: str | None = None
    author: Reference | None = None
    item: tuple[Item, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def form_name(self) -> str | None:
        said = (e.value_string for e in self.beside_questionnaire.extension if e.url == _DISPLAY)
        return next(said, None)

    @property
    def form_url(self) -> str | None:
        beside = (e for e in self.beside_questionnaire.extension if e.url == _FORM)
        return next((e.value_uri or e.value_url for e in beside), None)

    @property
    def walked(self) -> list[tuple[int, Item]]:
        """Every item in the order of the form, and how deep it lies."""
        return [each for _, each in zip(range(_MOST_ITEMS), _walk(self.item), strict=False)]


def _walk(items: tuple[Item, ...], depth: int = 0) -> Iterator[tuple[int, Item]]:
    for item in items:
        yield depth, item
        yield from _walk(item.item, depth + 1)
        for reply in item.answer:
            yield from _walk(reply.item, depth + 1)
