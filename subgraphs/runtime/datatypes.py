"""The value types all subgraphs share, and how FHIR's become them.

Every one is `@shareable`: each subgraph resolves its own copy, so their fields must stay the same
everywhere, which they do by being defined only here.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from typing import Final

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import ListSize

from subgraphs.connectors.errors import SourceState
from subgraphs.runtime import fhir, merging
from subgraphs.runtime.gathering import Record, SourceReport
from subgraphs.runtime.scalars import Date, DateTime, date_time, rank

FEW: Final = ListSize(assumed_size=3)  # type: ignore[call-arg]  # None would be printed
"""Short by nature: the sources of a fact, the codes of a concept, the labels of a record."""

strawberry.enum(
    SourceState,
    name="SourceState",
    description="How a source did when it was asked. It is the same for every patient: it never "
    "tells that something was withheld.",
)


@federation.type(shareable=True, description="A code of a code system.")
class Coding:
    system: str | None = strawberry.field(
        description="The code system's URI, for example `http://loinc.org`."
    )
    code: str | None = strawberry.field(description="The code itself, as the system spells it.")
    display: str | None = strawberry.field(description="The code system's wording of the meaning.")
    version: str | None = strawberry.field(description="The version of the code system, if told.")

    @classmethod
    def of(cls, wire: fhir.Coding) -> Coding:
        return cls(system=wire.system, code=wire.code, display=wire.display, version=wire.version)


@federation.type(
    shareable=True,
    description="A concept: codes of one or more systems with the same meaning, and its wording. "
    "https://hl7.org/fhir/R4/datatypes.html#CodeableConcept",
)
class CodeableConcept:
    coding: list[Coding] = strawberry.field(
        directives=[FEW], description="The codes, in the order of the source."
    )
    text: str | None = strawberry.field(description="The concept in the words of its author.")

    @classmethod
    def of(cls, wire: fhir.CodeableConcept | None) -> CodeableConcept | None:
        if wire is None:
            return None
        text = wire.text or next((coding.display for coding in wire.coding if coding.display), None)
        return cls(coding=[Coding.of(coding) for coding in wire.coding], text=text)

    @classmethod
    def all_of(cls, wires: Iterable[fhir.CodeableConcept]) -> list[CodeableConcept]:
        return [concept for wire in wires if (concept := cls.of(wire)) is not None]


@federation.type(
    shareable=True,
    description="A measured amount. https://hl7.org/fhir/R4/datatypes.html#Quantity",
)
class Quantity:
    value: Decimal | None = strawberry.field(description="The number, exactly as recorded.")
    comparator: str | None = strawberry.field(
        description="`<`, `<=`, `>=` or `>` where the true value lies beyond the number."
    )
    unit: str | None = strawberry.field(description="The unit for human readers.")
    system: str | None = strawberry.field(
        description="The system of the unit's code, as a rule UCUM: `http://unitsofmeasure.org`."
    )
    code: str | None = strawberry.field(description="The unit's code, for example `mg/dL`.")

    @classmethod
    def of(cls, wire: fhir.Quantity | None) -> Quantity | None:
        if wire is None:
            return None
        return cls(
            value=wire.value,
            comparator=wire.comparator,
            unit=wire.unit,
            system=wire.system,
            code=wire.code,
        )


@federation.type(shareable=True, description="An amount of money.")
class Money:
    value: Decimal | None = strawberry.field(description="The amount, exactly.")
    currency: str | None = strawberry.field(description="ISO 4217, for example `USD`.")

    @classmethod
    def of(cls, wire: fhir.Money | None) -> Money | None:
        return None if wire is None else cls(value=wire.value, currency=wire.currency)


@federation.type(shareable=True, description="A span of time; an open end is null.")
class Period:
    start: DateTime | None = strawberry.field(description="When it begins, inclusive.")
    end: DateTime | None = strawberry.field(description="When it ends, inclusive.")

    @classmethod
    def of(cls, wire: fhir.Period | None) -> Period | None:
        if wire is None:
            return None
        return cls(start=date_time(wire.start), end=date_time(wire.end))


@federation.type(shareable=True, description="A number or name that a system gave something.")
class Identifier:
    system: str | None = strawberry.field(description="The URI of the numbering system.")
    value: str | None = strawberry.field(description="The number or name.")
    type: CodeableConcept | None = strawberry.field(
        description="What it is: `VN` visit number, `ACSN` accession, …; "
        "http://terminology.hl7.org/CodeSystem/v2-0203"
    )
    use: str | None = strawberry.field(
        description="`usual`, `official`, `temp`, `secondary` or `old`."
    )

    @classmethod
    def of(cls, wire: fhir.Identifier | None) -> Identifier | None:
        if wire is None:
            return None
        type_ = CodeableConcept.of(wire.type)
        return cls(system=wire.system, value=wire.value, type=type_, use=wire.use)

    @classmethod
    def all_of(cls, wires: Iterable[fhir.Identifier]) -> list[Identifier]:
        return [identifier for wire in wires if (identifier := cls.of(wire)) is not None]


@federation.type(
    shareable=True,
    description="A person's name. https://hl7.org/fhir/R4/datatypes.html#HumanName",
)
class HumanName:
    text: str | None = strawberry.field(description="The whole name, to show.")
    family: str | None = strawberry.field(description="The family name, or surname.")
    given: list[str] = strawberry.field(description="First and middle names or initials, in order.")
    prefix: list[str] = strawberry.field(description="Before the name: `Dr.`.")
    suffix: list[str] = strawberry.field(description="After the name: `Jr.`.")
    use: str | None = strawberry.field(
        description="`usual`, `official`, `temp`, `nickname`, `anonymous`, `old` or `maiden`."
    )

    @classmethod
    def of(cls, wire: fhir.HumanName) -> HumanName:
        return cls(
            text=wire.full,
            family=wire.family,
            given=_known(wire.given),
            prefix=_known(wire.prefix),
            suffix=_known(wire.suffix),
            use=wire.use,
        )


@federation.type(shareable=True, description="A postal address.")
class Address:
    use: str | None = strawberry.field(description="`home`, `work`, `temp`, `old` or `billing`.")
    text: str | None = strawberry.field(description="The whole address, if given as text.")
    line: list[str] = strawberry.field(description="Street, house, apartment, post box.")
    city: str | None = strawberry.field(description="City or town.")
    state: str | None = strawberry.field(description="State or province, as a rule two letters.")
    postal_code: str | None = strawberry.field(description="ZIP or other postal code.")
    country: str | None = strawberry.field(description="Country, as a rule ISO 3166.")
    period: Period | None = strawberry.field(description="When it was or is in use.")

    @classmethod
    def of(cls, wire: fhir.Address) -> Address:
        return cls(
            use=wire.use,
            text=wire.text,
            line=_known(wire.line),
            city=wire.city,
            state=wire.state,
            postal_code=wire.postal_code,
            country=wire.country,
            period=Period.of(wire.period),
        )


@federation.type(shareable=True, description="A way to reach someone.")
class ContactPoint:
    system: str | None = strawberry.field(description="`phone`, `email`, `sms`, `fax`, …")
    value: str | None = strawberry.field(description="The number or address.")
    use: str | None = strawberry.field(description="`home`, `work`, `mobile`, `temp` or `old`.")

    @classmethod
    def of(cls, wire: fhir.ContactPoint) -> ContactPoint:
        return cls(system=wire.system, value=wire.value, use=wire.use)


@strawberry.enum(description="How a fact came to us.")
class ProvenanceMethod(Enum):
    FHIR_READ = strawberry.enum_value(
        "fhir-read", description="Fetched from the source's FHIR interface for this request."
    )
    FHIR_CRAWL = strawberry.enum_value(
        "fhir-crawl", description="Fetched from the source's FHIR interface by a regular crawl."
    )
    X12 = strawberry.enum_value("x12", description="Answered by an X12 transaction.")
    REST = strawberry.enum_value("rest", description="Fetched from a vendor's own interface.")
    WEBHOOK = strawberry.enum_value("webhook", description="Pushed to us by the source.")


@federation.type(shareable=True, description="Where a fact comes from; one for each source.")
class Provenance:
    source: str = strawberry.field(description="The id of the source, for example `ehr-a`.")
    recorded_at: DateTime | None = strawberry.field(
        description="When it was recorded, if the source tells by whom too; else when the source "
        "last changed the record."
    )
    received_at: DateTime | None = strawberry.field(description="When it reached us.")
    method: ProvenanceMethod = strawberry.field(description="How it reached us.")
    updated_at: DateTime | None = strawberry.field(
        default=None, description="When the source last changed the record."
    )
    author: str | None = strawberry.field(
        default=None,
        description="Who recorded it, by name, as far as the source names them. Facts that have "
        "`authorship` tell more.",
    )
    organization: str | None = strawberry.field(
        default=None,
        description="For which organization, by name, as far as the source names it.",
    )

    @classmethod
    def of(
        cls,
        record: Record[fhir.PatientRecord],
        method: ProvenanceMethod = ProvenanceMethod.FHIR_READ,
    ) -> Provenance:
        told = newest_told(record.resource)
        author, organization = fhir.author_of(told) if told else (None, None)
        return cls(
            source=record.source,
            recorded_at=date_time((told and told.recorded) or record.resource.meta.last_updated),
            received_at=date_time(record.received_at),
            method=method,
            updated_at=date_time(record.resource.meta.last_updated),
            author=author,
            organization=organization,
        )


@federation.type(shareable=True, description="What one source says of a disputed field.")
class ConflictingValue:
    source: str = strawberry.field(description="The id of the source, for example `ehr-a`.")
    value: str | None = strawberry.field(description="What it says, as text.")


@federation.type(
    shareable=True,
    description="A field that the sources of one fact do not agree on. It is shown, never settled: "
    "a source that says nothing of it contradicts nobody, and is not here.",
)
class Conflict:
    path: str = strawberry.field(
        description="The field of the node, for example `onset`; `value` for whatever form of it."
    )
    values: list[ConflictingValue] = strawberry.field(
        directives=[FEW], description="Each source with its value."
    )

    @classmethod
    def of(cls, conflict: merging.Conflict) -> Conflict:
        values = [ConflictingValue(source=of, value=said) for of, said in conflict.values]
        return cls(path=conflict.path, values=values)


@federation.type(shareable=True, description="The state of one source of a list.")
class SourceStatus:
    source: str = strawberry.field(description="The id of the source, for example `ehr-a`.")
    state: SourceState = strawberry.field(
        description="Only OK means that all of the source's rows are here."
    )
    as_of: DateTime | None = strawberry.field(description="The age of what the source said.")

    @classmethod
    def of(cls, report: SourceReport) -> SourceStatus:
        return cls(source=report.source, state=report.state, as_of=date_time(report.as_of))


@federation.type(
    shareable=True,
    description="Where a page lies in its list. https://relay.dev/graphql/connections.htm",
)
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before it.")
    start_cursor: str | None = strawberry.field(description="The first edge's cursor.")
    end_cursor: str | None = strawberry.field(description="The last edge's cursor.")


def newest_told(resource: object) -> fhir.ProvenanceRecord | None:
    """What a source tells last of who recorded something."""
    told: tuple[fhir.ProvenanceRecord, ...] = getattr(resource, "provenance_resource", ())
    return max(told, key=lambda each: rank(each.recorded), default=None)


def date(text: str | None) -> Date | None:
    return Date(text) if text else None


def _known(parts: Iterable[str | None]) -> list[str]:
    return [part for part in parts if part]
