"""Patient and what only a patient has."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.connectors.errors import SourceState
from subgraphs.identity.loaders import (
    PATIENT,
    Described,
    Identity,
    load_person,
    load_related_of,
    person_id,
)
from subgraphs.identity.model import CrawlState, IndexedPerson, PatientResource, is_ssn
from subgraphs.identity.schema.records import IdentityDecision, IdentityRecord
from subgraphs.identity.schema.related import RelatedPerson
from subgraphs.identity.schema.values import (
    AdministrativeGender,
    PatientIdentifier,
    gender_of,
)
from subgraphs.identity.stewarding import STEWARD, is_steward
from subgraphs.runtime import fact_nodes
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.datatypes import (
    FEW,
    Address,
    Coding,
    ContactPoint,
    HumanName,
    Provenance,
    ProvenanceMethod,
    SourceStatus,
    date,
)
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_fields import page_facts
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date, DateTime, date_time
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for


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
        return gender_of(self.person.newest.gender)

    @strawberry.field(description="Every address any source has.")
    def addresses(self) -> list[Address]:
        return [Address.of(address) for address in _distinct(self._resources, lambda r: r.address)]

    @strawberry.field(description="Telephone numbers and e-mail addresses of all sources.")
    def telecom(self) -> list[ContactPoint]:
        found = _distinct(self._resources, lambda r: r.telecom)
        return [ContactPoint.of(telecom) for telecom in found]

    @federation.field(
        requires_scopes=IDENTIFIER_SCOPES,
        description="Medical record, member and other numbers, without the social security number.",
    )
    def identifiers(self) -> list[PatientIdentifier] | None:
        return [
            PatientIdentifier.of(identifier, record.source)
            for record in self.person.records
            for identifier in record.resource.identifier
            if not is_ssn(identifier)
        ]

    @federation.field(
        policy=[[STEWARD]],
        description="The US social security number, for identity stewards alone.",
    )
    def ssn(self, info: strawberry.Info) -> str | None:
        _stewards_only(info.context)
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
        return list(_disagreements(self.person.current))

    @strawberry.field(
        description="The sources that know the patient, each as of its last complete crawl."
    )
    def sources(self) -> list[SourceStatus]:
        return [crawl_status(crawl) for crawl in self.person.crawls]

    @strawberry.field(description="One for each source's record of the patient.")
    def provenance(self) -> list[Provenance]:
        method = ProvenanceMethod.FHIR_CRAWL
        return [Provenance.of(record, method) for record in self.person.records]

    @strawberry.field(
        description="Another with every change of the patient's records: for `ifMatch`."
    )
    def version(self) -> str:
        return self.person.version

    @federation.field(
        policy=[[STEWARD]],
        directives=[FEW],
        description="Each source's record of the patient, those merged into others included.",
    )
    def records(self, info: strawberry.Info) -> list[IdentityRecord] | None:
        _stewards_only(info.context)
        return [IdentityRecord.of(info.context, self.person, r) for r in self.person.records]

    @federation.field(
        policy=[[STEWARD]],
        directives=[FEW],
        description="Every decision about any of the patient's records, the latest first.",
    )
    async def identity_history(self, info: strawberry.Info) -> list[IdentityDecision] | None:
        request: Request[Identity] = info.context
        _stewards_only(request)
        history = await request.services.index.history(self.person)
        return [IdentityDecision.of(request, decision) for decision in history]

    @federation.field(
        directives=[PAGE],
        requires_scopes=scopes_for("RelatedPerson"),
        description="Who stands by the patient: parents and guardians, who decides for them, whom "
        "to call. The record changed last comes first.",
    )
    async def related_persons(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[RelatedPerson] | None:
        request: Request[Identity] = info.context
        found = await load_related_of(request, self.person)
        return page_facts(
            request,
            found,
            RelatedPerson,
            scope=f"relatedPersons:{self.id}",
            first=first,
            after=after,
        )

    @strawberry.field(description="Labels any source has put on the patient's record.")
    def security_labels(self) -> list[Coding]:
        return [Coding.of(label) for label in Described(self.person).security]

    @property
    def _resources(self) -> list[PatientResource]:
        return [record.resource for record in self.person.current]

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


def _stewards_only(request: Request[Identity]) -> None:
    if not is_steward(request):
        raise ClientError(Code.FORBIDDEN)


def _distinct(
    resources: Iterable[PatientResource], pick: Callable[[PatientResource], Iterable[Any]]
) -> list[Any]:
    return list(dict.fromkeys(value for resource in resources for value in pick(resource)))


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
