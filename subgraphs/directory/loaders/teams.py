"""How a patient's care teams are loaded, and who is responsible for her care."""

from __future__ import annotations

from typing import Any, Final

from subgraphs.directory.kinds import CARE_TEAMS, RESPONSIBLE
from subgraphs.directory.loaders.entries import Directory
from subgraphs.directory.model import CareTeam, CareTeamMember, PatientsProviders
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.facts import Fact, load_facts
from subgraphs.runtime.fhir import Reference, tokens
from subgraphs.runtime.gathering import Gathered, Record
from subgraphs.runtime.kinds import changed
from subgraphs.runtime.request import Request

ACTIVE: Final = "active"
_PRIMARY_CARE: Final = frozenset(
    # https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-careteam.html
    {"http://snomed.info/sct|453231000124104", "http://snomed.info/sct|446050000"}
)


async def load_care_teams(
    request: Request[Directory], patient: Compartment
) -> Gathered[Fact[CareTeam]]:
    ask = {name: source.care_teams for name, source in request.services.teams.items()}
    return await load_facts(request, CARE_TEAMS, ask, patient)


async def load_primary(
    request: Request[Directory], patient: Compartment
) -> tuple[Record[Any], Reference] | None:
    """Who is responsible for a patient's care, and the record that says so.

    `SourcesDownError` where nobody is named and a source that may name one did not answer.
    """
    if not all(request.access.may_read(k.type, patient) for k in (RESPONSIBLE, CARE_TEAMS)):
        return None
    ask = {name: source.responsible for name, source in request.services.teams.items()}
    own = await load_facts(request, RESPONSIBLE, ask, patient)
    named = [record for fact in own.rows for record in fact.records if _general(record.resource)]
    if named:
        newest = max(named, key=lambda record: (changed(record.resource), record.source))
        return newest, newest.resource.general_practitioner[0]
    teams = await load_care_teams(request, patient)
    active = [fact for fact in teams.rows if fact.resource.status == ACTIVE]
    for fact in sorted(active, key=lambda fact: (fact.rank, fact.id), reverse=True):
        record = fact.records[0]
        found = next((m.member for m in record.resource.participant if _is_primary(m)), None)
        if found is not None:
            return record, found
    for report in (*own.sources, *teams.sources):
        own.or_raise(report.source)
        teams.or_raise(report.source)
    return None


def _general(resource: PatientsProviders) -> bool:
    return bool(resource.general_practitioner)


def _is_primary(member: CareTeamMember) -> bool:
    return not _PRIMARY_CARE.isdisjoint(tokens(member.role))
