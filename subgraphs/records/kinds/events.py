"""What makes two visits, procedures or vaccinations one."""

from __future__ import annotations

from subgraphs.records.kinds.details import moment
from subgraphs.records.model import ENTERED_IN_ERROR, Encounter, Immunization, Procedure
from subgraphs.runtime.fhir import canonical_code, subjects, tokens
from subgraphs.runtime.kinds import Detail, Kind, coded
from subgraphs.runtime.labelling import mentions_of
from subgraphs.runtime.moments import apart_on_a_day, day_of, has_time
from subgraphs.runtime.scalars import rank


def _apart_by_site(one: Procedure, other: Procedure) -> int | None:
    """The left knee is not the right one."""
    ours, theirs = (frozenset(map(canonical_code, each.body_site)) for each in (one, other))
    if ours and theirs and not ours & theirs:
        return None
    return apart_on_a_day(one.performed, other.performed)


def _same_procedure(procedure: Procedure) -> object:
    code, day = canonical_code(procedure.code), day_of(procedure.performed)
    return (code, day) if code and day else None


def _same_immunization(immunization: Immunization) -> object:
    code, day = canonical_code(immunization.vaccine_code), day_of(immunization.occurrence_date_time)
    return (code, day) if code and day else None


def _same_encounter(encounter: Encounter) -> object:
    """Nobody is at two visits at once; a visit noted by its day alone may be any of that day."""
    start = encounter.period.start if encounter.period else None
    class_ = encounter.class_.code if encounter.class_ else None
    return (class_, rank(start)) if has_time(start) and rank(start) else None


ENCOUNTERS: Kind[Encounter] = Kind(
    type="Encounter",
    rank=lambda encounter: rank(encounter.period.start if encounter.period else None),
    same=_same_encounter,
    details=(
        Detail("status", lambda e: e.status),
        moment("period.end", lambda e: e.period.end if e.period else None),
        Detail("serviceProvider", lambda e: e.service_provider and e.service_provider.display),
    ),
    tokens=lambda encounter: {"type": tokens(encounter.type)},
    retracted=lambda encounter: encounter.status == ENTERED_IN_ERROR,
    mentions=lambda encounter: mentions_of(*encounter.type, *encounter.reason_code),
)
PROCEDURES: Kind[Procedure] = Kind(
    type="Procedure",
    rank=lambda procedure: rank(procedure.performed),
    same=_same_procedure,
    distance=_apart_by_site,
    details=(Detail("status", lambda p: p.status), coded("category", lambda p: p.category)),
    tokens=lambda p: {"category": tokens([p.category]), "code": tokens([p.code])},
    retracted=lambda procedure: procedure.status == ENTERED_IN_ERROR,
    subject=lambda p: subjects(p.code),
    mentions=lambda p: mentions_of(p.code, *p.reason_code),
)
IMMUNIZATIONS: Kind[Immunization] = Kind(
    type="Immunization",
    rank=lambda immunization: rank(immunization.occurrence_date_time),
    same=_same_immunization,
    distance=lambda one, other: apart_on_a_day(
        one.occurrence_date_time, other.occurrence_date_time
    ),
    details=(
        Detail("status", lambda i: i.status),
        Detail("lotNumber", lambda i: i.lot_number),
        Detail("primarySource", lambda i: i.primary_source, lambda said: str(said).lower()),
        coded("site", lambda i: i.site),
    ),
    weight=lambda immunization: (immunization.status == "completed",),
    tokens=lambda immunization: {"vaccine-code": tokens([immunization.vaccine_code])},
    retracted=lambda immunization: immunization.status == ENTERED_IN_ERROR,
    mentions=lambda immunization: mentions_of(immunization.vaccine_code),
)
