"""The kinds of a directory's entries, and what their sources may disagree on.

Practitioners and organizations of several sources are one by their National Provider Identifier
and by nothing else: names are shared, and a number that fails its check may be anyone's.
"""

from __future__ import annotations

from typing import Final

from subgraphs.directory.model import (
    CareTeam,
    Location,
    Organization,
    PatientsProviders,
    Practitioner,
    PractitionerRole,
)
from subgraphs.runtime.fhir import tokens
from subgraphs.runtime.kinds import Detail, Kind, changed
from subgraphs.runtime.labelling import mentions_of
from subgraphs.runtime.scalars import rank

ENTERED_IN_ERROR: Final = "entered-in-error"


def _name(practitioner: Practitioner) -> str | None:
    return practitioner.usual_name.full if practitioner.usual_name else None


def _sorted_by(practitioner: Practitioner) -> str:
    name = practitioner.usual_name
    if name is None:
        return ""
    parts = (name.family or name.full, *name.given)
    return " ".join(part for part in parts if part).casefold()


def _folded(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


PRACTITIONERS: Final[Kind[Practitioner]] = Kind(
    type="Practitioner",
    rank=_sorted_by,
    same=lambda p: p.npi,
    details=(
        Detail("name", _name, agree=_folded),
        Detail("gender", lambda p: p.gender),
        Detail("active", lambda p: p.active, lambda said: str(said).lower()),
    ),
)
ROLES: Final[Kind[PractitionerRole]] = Kind(
    type="PractitionerRole",
    rank=lambda role: rank(role.period.start if role.period else None),
    # Each source speaks of its own employment.
    same=lambda _: None,
    tokens=lambda role: {"specialty": tokens(role.specialty), "role": tokens(role.code)},
)
ORGANIZATIONS: Final[Kind[Organization]] = Kind(
    type="Organization",
    rank=lambda organization: (organization.name or "").casefold(),
    same=lambda organization: organization.npi,
    details=(
        Detail("name", lambda o: o.name, agree=_folded),
        Detail("active", lambda o: o.active, lambda said: str(said).lower()),
    ),
    tokens=lambda organization: {"type": tokens(organization.type)},
)
LOCATIONS: Final[Kind[Location]] = Kind(
    type="Location",
    rank=lambda location: (location.name or "").casefold(),
    same=lambda _: None,
    tokens=lambda location: {"type": tokens(location.type)},
)
CARE_TEAMS: Final[Kind[CareTeam]] = Kind(
    type="CareTeam",
    rank=lambda team: rank(team.period.start if team.period else None),
    # Each EHR keeps the teams of its own house.
    same=lambda _: None,
    tokens=lambda team: {
        "status": {team.status} if team.status else set(),
        "category": tokens(team.category),
    },
    retracted=lambda team: team.status == ENTERED_IN_ERROR,
    mentions=lambda team: mentions_of(*team.category, *team.reason_code),
)
RESPONSIBLE: Final[Kind[PatientsProviders]] = Kind(
    type="Patient",
    rank=changed,
    # Each record names its own house's doctor.
    same=lambda _: None,
    # A label on any record of a person holds for all of them.
    subject=lambda _: frozenset({"Patient"}),
)
