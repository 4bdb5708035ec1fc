"""The kinds of records: what makes two of them one fact, and what of it they may disagree on.

Two EHRs' records are one fact when they are of one thing at one time; whatever else differs is
shown as a conflict on the one node, whose values are those of the record that warns most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from subgraphs.records.model import (
    ENTERED_IN_ERROR,
    AllergyIntolerance,
    Condition,
    Encounter,
    Immunization,
    Procedure,
)
from subgraphs.runtime.fhir import CodeableConcept, canonical_code, subjects, tokens
from subgraphs.runtime.kinds import Detail, Kind, coded
from subgraphs.runtime.labelling import mentions_of
from subgraphs.runtime.moments import (
    apart_on_a_day,
    day_of,
    days_between,
    has_time,
    moments_agree,
)
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.terms.codes import ingredient_of

_SOON: Final = 1
_UNDATED: Final = 10_000
"""In days: further than a dated record of the same, nearer than none."""


def _code(concept: CodeableConcept | None) -> str | None:
    return concept.code if concept else None


def _is_in_error(verification: CodeableConcept | None) -> bool:
    return ENTERED_IN_ERROR in tokens([verification])


def _is_doubted(verification: CodeableConcept | None) -> bool:
    """Whether something speaks against it; to say nothing of it is no doubt."""
    return _code(verification) not in (None, "confirmed")


def _status(path: str, read: Callable[[Any], CodeableConcept | None]) -> Detail[Any]:
    return Detail(path, lambda record: _code(read(record)))


def _moment(path: str, read: Callable[[Any], str | None]) -> Detail[Any]:
    return Detail(path, read, agree=moments_agree)


def _drug(concept: CodeableConcept | None) -> str | None:
    """What an allergy is to: the ingredient, whatever product was noted."""
    code = canonical_code(concept)
    return None if code is None else ingredient_of(code)


def _apart_in_time(one: Condition, other: Condition) -> int | None:
    """One illness at two EHRs has begun on one day, or else lasts through the same time.

    A second cold, long after the first was over, is another.
    """
    for earlier, later in ((one, other), (other, one)):
        if earlier.abatement and later.onset and rank(later.onset) > rank(earlier.abatement):
            return None
    if one.onset and other.onset and moments_agree(one.onset, other.onset):
        return 0
    days = days_between(one.onset, other.onset)
    return _UNDATED if days is None else _SOON + days


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
        _moment("period.end", lambda e: e.period.end if e.period else None),
        Detail("serviceProvider", lambda e: e.service_provider and e.service_provider.display),
    ),
    tokens=lambda encounter: {"type": tokens(encounter.type)},
    retracted=lambda encounter: encounter.status == ENTERED_IN_ERROR,
    mentions=lambda encounter: mentions_of(*encounter.type, *encounter.reason_code),
)
CONDITIONS: Kind[Condition] = Kind(
    type="Condition",
    rank=lambda condition: rank(condition.onset or condition.recorded_date),
    same=lambda condition: canonical_code(condition.code),
    distance=_apart_in_time,
    details=(
        _status("clinicalStatus", lambda c: c.clinical_status),
        _status("verificationStatus", lambda c: c.verification_status),
        coded("severity", lambda c: c.severity),
        _moment("onset", lambda c: c.onset),
        _moment("abatement", lambda c: c.abatement),
    ),
    # An active illness that is not doubted must not hide behind a chart that calls it over.
    weight=lambda c: (
        not _is_doubted(c.verification_status),
        _code(c.clinical_status) in ("active", "recurrence", "relapse"),
    ),
    tokens=lambda c: {
        "category": tokens(c.category),
        "code": tokens([c.code]),
        "clinical-status": tokens([c.clinical_status]),
    },
    retracted=lambda condition: _is_in_error(condition.verification_status),
    subject=lambda condition: subjects(condition.code),
    mentions=lambda condition: mentions_of(condition.code),
)
ALLERGIES: Kind[AllergyIntolerance] = Kind(
    type="AllergyIntolerance",
    rank=lambda allergy: rank(allergy.onset_date_time or allergy.recorded_date),
    same=lambda allergy: _drug(allergy.code),
    details=(
        _status("clinicalStatus", lambda a: a.clinical_status),
        _status("verificationStatus", lambda a: a.verification_status),
        Detail("type", lambda a: a.type),
        Detail("criticality", lambda a: a.criticality),
        _moment("onset", lambda a: a.onset_date_time),
    ),
    # What one chart knows of the danger must not hide behind one that does not.
    weight=lambda a: (
        not _is_doubted(a.verification_status),
        _code(a.clinical_status) in (None, "active"),
        a.criticality == "high",
        a.criticality is not None,
    ),
    tokens=lambda allergy: {
        "category": {category for category in allergy.category if category},
        "code": tokens([allergy.code]),
        "clinical-status": tokens([allergy.clinical_status]),
    },
    retracted=lambda allergy: _is_in_error(allergy.verification_status),
    subject=lambda allergy: subjects(allergy.code),
    mentions=lambda allergy: mentions_of(allergy.code),
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
