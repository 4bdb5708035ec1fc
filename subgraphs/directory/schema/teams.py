"""Who looks after a patient."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry import federation

from subgraphs.directory import model
from subgraphs.directory.kinds import CARE_TEAMS
from subgraphs.directory.loaders.entries import Directory
from subgraphs.directory.loaders.teams import ACTIVE, load_care_teams, load_primary
from subgraphs.directory.schema.parties import Party, PartyNode
from subgraphs.directory.schema.places import Organization
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.datatypes import FEW, CodeableConcept, ContactPoint, Period
from subgraphs.runtime.fact_fields import facts_by_id, list_facts
from subgraphs.runtime.fact_nodes import (
    PATIENT,
    FactNode,
    PatientNode,
    common,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.naming import contained_in, type_of
from subgraphs.runtime.parties import name_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for

_PRIMARY_SCOPES = [
    [f"{level}/Patient.rs", f"{level}/CareTeam.rs"] for level in ("patient", "user", "system")
]


@strawberry.type(description="Someone on a care team: the patient too, and those close to her.")
class CareTeamMember(PartyNode):
    role: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="What they do: SNOMED CT or NUCC."
    )
    period: Period | None = strawberry.field(description="From when to when.")
    wire: strawberry.Private[model.CareTeamMember]

    @strawberry.field(description="The organization a practitioner acts for.")
    async def on_behalf_of(self, info: strawberry.Info) -> Organization | None:
        return await Organization.named(info.context, self.record, self.wire.on_behalf_of)

    @classmethod
    def of(cls, record: Record[model.CareTeam], wire: model.CareTeamMember) -> CareTeamMember:
        return cls(
            type=type_of(wire.member, contained_in(record.resource)),
            display=name_of(wire.member, contained_in(record.resource)),
            record=record,
            reference=wire.member,
            role=CodeableConcept.all_of(wire.role),
            period=Period.of(wire.period),
            wire=wire,
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("CareTeam"),
    description="Those who look after a patient together. https://hl7.org/fhir/R4/careteam.html",
)
class CareTeam(FactNode):
    patient: Patient = strawberry.field(description="Whom they look after.")
    name: str | None = strawberry.field(description="What the team is called.")
    status: str | None = strawberry.field(
        description="`proposed`, `active`, `suspended` or `inactive`; "
        "http://hl7.org/fhir/care-team-status"
    )
    category: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="What kind of team: http://loinc.org, the answer list LL2229-5.",
    )
    reason: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="What they are a team for."
    )
    period: Period | None = strawberry.field(description="From when to when.")
    telecom: list[ContactPoint] = strawberry.field(
        directives=[FEW], description="How to reach the team as a whole."
    )
    members: list[CareTeamMember] = strawberry.field(
        directives=[FEW], description="Who is on it, in the order of the source."
    )
    fact: strawberry.Private[Fact[model.CareTeam]]

    @strawberry.field(directives=[FEW], description="The organizations responsible for it.")
    def managing_organizations(self) -> list[Party]:
        record = self.fact.records[0]
        return [Party.of(record, each) for each in record.resource.managing_organization]

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[model.CareTeam]) -> CareTeam:
        record, team = fact.records[0], fact.resource
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            name=team.name,
            status=team.status,
            category=CodeableConcept.all_of(team.category),
            reason=CodeableConcept.all_of(team.reason_code),
            period=Period.of(team.period),
            telecom=[ContactPoint.of(telecom) for telecom in team.telecom],
            members=[CareTeamMember.of(record, wire) for wire in team.participant],
        )

    resolve_references = facts_by_id(CARE_TEAMS, load_care_teams)


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("CareTeam"),
        description="The care teams of every EHR, the latest first.",
    )
    async def care_teams(
        self,
        info: strawberry.Info,
        status: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Only those of these statuses; without it the active ones. Some EHRs "
                "tell of no others."
            ),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[CareTeam] | None:
        wanted = {ACTIVE} if status is None else set(status)
        return await list_facts(
            info,
            self,
            load_care_teams,
            CareTeam,
            first=first,
            after=after,
            keep=lambda team: team.status in wanted,
        )

    @federation.field(
        requires=["links"],
        requires_scopes=_PRIMARY_SCOPES,
        description="Who is responsible for the patient's care: the general practitioner of the "
        "record changed last that names one, or else the primary care provider of the latest "
        "active care team. Each EHR may name another; `careTeams` has them all.",
    )
    async def primary_care_provider(self, info: strawberry.Info) -> Party | None:
        request: Request[Directory] = info.context
        patient = await request.compartment(self.id, self.links)
        found = await load_primary(request, patient)
        return Party.of(*found) if found else None
