"""Patient and what only a patient has."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.connectors.errors import SourceState
from subgraphs.identity.loaders import PATIENT, Described, Identity, load_person, person_id
from subgraphs.identity.model import CrawlState, IndexedPerson, PatientResource, is_ssn
from subgraphs.runtime import fact_nodes, fhir
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.datatypes import (
    CodeableConcept,
    Coding,
    HumanName,
    Period,
    Provenance,
    ProvenanceMethod,
    SourceStatus,
    date,
)
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date, DateTime, date_time
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for


@strawberry.enum(
    description="For administration, not biology. "
    "https://hl7.org/fhir/R4/valueset-administrative-gender.html"
)
class AdministrativeGender(Enum):
    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


@strawberry.type(description="A postal address.")
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
            line=[line for line in wire.line if line],
            city=wire.city,
            state=wire.state,
            postal_code=wire.postal_code,
            country=wire.country,
            period=Period.of(wire.period),
        )


@strawberry.type(description="A way to reach a person.")
class ContactPoint:
    system: str | None = strawberry.field(description="`phone`, `email`, `sms`, `fax`, …")
    value: str | None = strawberry.field(description="The number or address.")
    use: str | None = strawberry.field(description="`home`, `work`, `mobile`, `temp` or `old`.")


@strawberry.type(description="A number a source knows the patient by, such as an MRN.")
class PatientIdentifier:
    system: str | None = strawberry.field(description="The URI of the numbering system.")
    value: str | None = strawberry.field(description="The number.")
    type: CodeableConcept | None = strawberry.field(
        description="`MR` for a medical record number, `MB` for a member number, …; "
        "http://terminology.hl7.org/CodeSystem/v2-0203"
    )
    use: str | None = strawberry.field(description="`usual`, `official`, `secondary` or `old`.")
    source: str = strawberry.field(description="The source that says so.")


@strawberry.type(description="One of several values the sources give for the same thing.")
class DisputedValue:
    value: str | None = strawberry.field(description="What they say.")
    sources: list[str] = strawberry.field(description="Who says it.")


@strawberry.type(description="A field the sources disagree on; it is shown, never settled here.")
class Disagreement:
    field: str = strawberry.field(description="The field of Patient.")
    values: list[DisputedValue] = strawberry.field(description="Each value with its sources.")


IDENTIFIER_SCOPES = scopes_for("Identifier")


@federation.type(
    keys=["id"],
    description=fact_nodes.PATIENT,
)
class Patient:
    id: strawberry.ID = strawberry.field(description=fact_nodes.PATIENT_ID)
    person: strawberry.Private[IndexedPerson]

    @federation.field(
        inaccessible=True,
        description="The crosswalk: where the person's records are, sealed for the other "
        "subgraphs. It proves no authorization.",
    )
    def links(self, info: strawberry.Info) -> str | None:
        crosswalk = info.context.subgraph.crosswalk
        sealed: str = crosswalk.seal_links(
            self.id, self.person.links, self.person.newest.birth_date
        )
        return sealed

    @strawberry.field(description="The name in use.")
    def name(self) -> HumanName | None:
        name = self.person.newest.usual_name
        return HumanName.of(name) if name else None

    @strawberry.field(description="Every name any source has, former ones and nicknames included.")
    def names(self) -> list[HumanName]:
        return [HumanName.of(name) for name in _distinct(self._resources, lambda r: r.name)]

    @strawberry.field(description="The date of birth.")
    def birth_date(self) -> Date | None:
        return date(self.person.newest.birth_date)

    @strawberry.field(description="Administrative gender.")
    def gender(self) -> AdministrativeGender | None:
        return _gender(self.person.newest.gender)

    @strawberry.field(description="Every address any source has.")
    def addresses(self) -> list[Address]:
        return [Address.of(address) for address in _distinct(self._resources, lambda r: r.address)]

    @strawberry.field(description="Telephone numbers and e-mail addresses of all sources.")
    def telecom(self) -> list[ContactPoint]:
        found = _distinct(self._resources, lambda r: r.telecom)
        return [ContactPoint(system=t.system, value=t.value, use=t.use) for t in found]

    @federation.field(
        requires_scopes=IDENTIFIER_SCOPES,
        description="Medical record, member and other numbers, without the social security number.",
    )
    def identifiers(self) -> list[PatientIdentifier] | None:
        return [
            PatientIdentifier(
                system=identifier.system,
                value=identifier.value,
                type=CodeableConcept.of(identifier.type),
                use=identifier.use,
                source=record.source,
            )
            for record in self.person.records
            for identifier in record.resource.identifier
            if not is_ssn(identifier)
        ]

    @federation.field(
        policy=[["identity-steward"]],
        description="The US social security number, for identity stewards alone.",
    )
    def ssn(self, info: strawberry.Info) -> str | None:
        if not info.context.access.has_role("identity-steward"):
            raise ClientError(Code.FORBIDDEN)
        return next((r.ssn for r in self._resources if r.ssn), None)

    @strawberry.field(description="Whether any source has recorded the patient's death.")
    def deceased(self) -> bool:
        return any(r.deceased_boolean or r.deceased_date_time for r in self._resources)

    @strawberry.field(description="When the patient died, if recorded.")
    def deceased_at(self) -> DateTime | None:
        moments = (r.deceased_date_time for r in self._resources)
        return date_time(next((moment for moment in moments if moment), None))

    @strawberry.field(description="What the sources disagree on.")
    def disagreements(self) -> list[Disagreement]:
        return list(_disagreements(self.person.records))

    @strawberry.field(
        description="The sources that know the patient, each as of its last complete crawl."
    )
    def sources(self) -> list[SourceStatus]:
        return [crawl_status(crawl) for crawl in self.person.crawls]

    @strawberry.field(description="One for each source's record of the patient.")
    def provenance(self) -> list[Provenance]:
        method = ProvenanceMethod.FHIR_CRAWL
        return [Provenance.of(record, method) for record in self.person.records]

    @strawberry.field(description="Labels any source has put on the patient's record.")
    def security_labels(self) -> list[Coding]:
        return [Coding.of(label) for label in Described(self.person).security]

    @property
    def _resources(self) -> list[PatientResource]:
        return [record.resource for record in self.person.records]

    @classmethod
    def of(cls, request: Request[Identity], person: IndexedPerson) -> Patient:
        return cls(id=strawberry.ID(person_id(request.subgraph.ids, person)), person=person)

    @classmethod
    async def find(cls, request: Request[Identity], id_: object) -> Patient | None:
        """The patient of any sealed id the caller may see."""
        ref = request.open(PATIENT, id_)
        person = await load_person(request, Link(ref.source, ref.id)) if ref else None
        return cls.of(request, person) if person else None

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> list[object]:
        found = await asyncio.gather(*(cls.find(request, r.get("id")) for r in representations))
        return [patient or ClientError(Code.NOT_FOUND) for patient in found]


def _distinct(
    resources: Iterable[PatientResource], pick: Callable[[PatientResource], Iterable[Any]]
) -> list[Any]:
    return list(dict.fromkeys(value for resource in resources for value in pick(resource)))


def _gender(code: str | None) -> AdministrativeGender | None:
    try:
        return AdministrativeGender(code)
    except ValueError:
        return None


def _disagreements(records: Sequence[Record[PatientResource]]) -> Iterable[Disagreement]:
    fields: dict[str, Callable[[PatientResource], str | None]] = {
        "name": lambda r: HumanName.of(r.usual_name).text if r.usual_name else None,
        "birthDate": lambda r: r.birth_date,
        "gender": lambda r: r.gender,
    }
    for field, read in fields.items():
        said: defaultdict[str, list[str]] = defaultdict(list)
        for record in records:
            value = read(record.resource)
            if value is not None:
                said[value].append(record.source)
        if len(said) > 1:
            values = [DisputedValue(value=v, sources=s) for v, s in said.items()]
            yield Disagreement(field=field, values=values)


def crawl_status(crawl: CrawlState) -> SourceStatus:
    # The index answers whatever the source does; what it says may then be old.
    state = crawl.state if crawl.state is SourceState.OK else SourceState.STALE
    return SourceStatus(source=crawl.source, state=state, as_of=date_time(crawl.completed_at))
