"""What makes two problems or allergies one."""

from __future__ import annotations

from typing import Final

from subgraphs.records.kinds.details import code_of, moment, status
from subgraphs.records.model import ENTERED_IN_ERROR, AllergyIntolerance, Condition
from subgraphs.runtime.fhir import CodeableConcept, canonical_code, subjects, tokens
from subgraphs.runtime.kinds import Detail, Kind, coded
from subgraphs.runtime.labelling import mentions_of
from subgraphs.runtime.moments import days_between, moments_agree
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.terms.codes import ingredient_of

_SOON: Final = 1
_UNDATED: Final = 10_000
"""In days: further than a dated record of the same, nearer than none."""


def _is_in_error(verification: CodeableConcept | None) -> bool:
    return ENTERED_IN_ERROR in tokens([verification])


def _is_doubted(verification: CodeableConcept | None) -> bool:
    """Whether something speaks against it; to say nothing of it is no doubt."""
    return code_of(verification) not in (None, "confirmed")


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


CONDITIONS: Kind[Condition] = Kind(
    type="Condition",
    rank=lambda condition: rank(condition.onset or condition.recorded_date),
    same=lambda condition: canonical_code(condition.code),
    distance=_apart_in_time,
    details=(
        status("clinicalStatus", lambda c: c.clinical_status),
        status("verificationStatus", lambda c: c.verification_status),
        coded("severity", lambda c: c.severity),
        moment("onset", lambda c: c.onset),
        moment("abatement", lambda c: c.abatement),
    ),
    # An active illness that is not doubted must not hide behind a chart that calls it over.
    weight=lambda c: (
        not _is_doubted(c.verification_status),
        code_of(c.clinical_status) in ("active", "recurrence", "relapse"),
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
        status("clinicalStatus", lambda a: a.clinical_status),
        status("verificationStatus", lambda a: a.verification_status),
        Detail("type", lambda a: a.type),
        Detail("criticality", lambda a: a.criticality),
        moment("onset", lambda a: a.onset_date_time),
    ),
    # What one chart knows of the danger must not hide behind one that does not.
    weight=lambda a: (
        not _is_doubted(a.verification_status),
        code_of(a.clinical_status) in (None, "active"),
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
