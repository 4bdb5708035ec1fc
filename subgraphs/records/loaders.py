"""The kinds of records, what makes two of them the same fact, and how a patient's are loaded.

Two EHRs' records are one fact when code and date agree, to the day, and nothing that matters to
care differs (active here, resolved there; mild here, severe there): then they stay two, and both
are shown.
"""

from __future__ import annotations

from collections.abc import Mapping

from subgraphs.records.model import (
    ENTERED_IN_ERROR,
    AllergyIntolerance,
    Condition,
    Encounter,
    Immunization,
    Procedure,
)
from subgraphs.records.sources import RecordSource
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.facts import Fact, Kind, load_facts
from subgraphs.runtime.fhir import CodeableConcept, canonical_code, subjects, tokens
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.labelling import sensitive_subjects
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import rank

Records = Mapping[str, RecordSource]
"""The subgraph's sources, by id."""


def _status(concept: CodeableConcept | None) -> str | None:
    return concept.code if concept else None


def _is_in_error(verification: CodeableConcept | None) -> bool:
    return ENTERED_IN_ERROR in tokens([verification])


def _doubt(verification: CodeableConcept | None) -> str | None:
    """What speaks against a diagnosis; to say nothing of it is no doubt."""
    status = _status(verification)
    return None if status == "confirmed" else status


def _day(text: str | None) -> str | None:
    """The day of a date or time, in UTC; a date without day stays as it is."""
    if text is None or len(text) < len("YYYY-MM-DD"):
        return text
    return rank(text)[: len("YYYY-MM-DD")] or None


def _same_condition(condition: Condition) -> object:
    code = canonical_code(condition.code)
    if code is None:
        return None
    status = _status(condition.clinical_status), _doubt(condition.verification_status)
    severity = canonical_code(condition.severity)
    return code, _day(condition.onset), _day(condition.abatement), severity, status


def _same_allergy(allergy: AllergyIntolerance) -> object:
    """What one chart knows of the danger must not hide behind one that does not."""
    code = canonical_code(allergy.code)
    if code is None:
        return None
    status = _status(allergy.clinical_status), _doubt(allergy.verification_status)
    reactions = frozenset(
        (canonical_code(sign), reaction.severity)
        for reaction in allergy.reaction
        for sign in reaction.manifestation
    )
    return code, allergy.type, allergy.criticality, reactions, status


def _same_procedure(procedure: Procedure) -> object:
    code, day = canonical_code(procedure.code), _day(procedure.performed)
    if code is None or day is None:
        return None
    # The left knee is not the right one.
    return code, day, procedure.status, frozenset(map(canonical_code, procedure.body_site))


def _same_immunization(immunization: Immunization) -> object:
    code = canonical_code(immunization.vaccine_code)
    day = _day(immunization.occurrence_date_time)
    return None if code is None or day is None else (code, day, immunization.status)


ENCOUNTERS: Kind[Encounter] = Kind(
    type="Encounter",
    rank=lambda encounter: rank(encounter.period.start if encounter.period else None),
    # One visit is kept by the one EHR it happened at.
    same=lambda _: None,
    tokens=lambda encounter: {"type": tokens(encounter.type)},
    retracted=lambda encounter: encounter.status == ENTERED_IN_ERROR,
    subject=lambda encounter: sensitive_subjects(*encounter.type, *encounter.reason_code),
)
CONDITIONS: Kind[Condition] = Kind(
    type="Condition",
    rank=lambda condition: rank(condition.onset or condition.recorded_date),
    same=_same_condition,
    tokens=lambda c: {
        "category": tokens(c.category),
        "code": tokens([c.code]),
        "clinical-status": tokens([c.clinical_status]),
    },
    retracted=lambda condition: _is_in_error(condition.verification_status),
    subject=lambda condition: subjects(condition.code),
)
ALLERGIES: Kind[AllergyIntolerance] = Kind(
    type="AllergyIntolerance",
    rank=lambda allergy: rank(allergy.onset_date_time or allergy.recorded_date),
    same=_same_allergy,
    tokens=lambda allergy: {
        "category": {category for category in allergy.category if category},
        "code": tokens([allergy.code]),
        "clinical-status": tokens([allergy.clinical_status]),
    },
    retracted=lambda allergy: _is_in_error(allergy.verification_status),
    subject=lambda allergy: subjects(allergy.code),
)
PROCEDURES: Kind[Procedure] = Kind(
    type="Procedure",
    rank=lambda procedure: rank(procedure.performed),
    same=_same_procedure,
    tokens=lambda p: {"category": tokens([p.category]), "code": tokens([p.code])},
    retracted=lambda procedure: procedure.status == ENTERED_IN_ERROR,
    subject=lambda p: subjects(p.code) | sensitive_subjects(*p.reason_code),
)
IMMUNIZATIONS: Kind[Immunization] = Kind(
    type="Immunization",
    rank=lambda immunization: rank(immunization.occurrence_date_time),
    same=_same_immunization,
    tokens=lambda immunization: {"vaccine-code": tokens([immunization.vaccine_code])},
    retracted=lambda immunization: immunization.status == ENTERED_IN_ERROR,
)


async def load_encounters(
    request: Request[Records], patient: Compartment
) -> Gathered[Fact[Encounter]]:
    ask = {name: source.encounters for name, source in request.services.items()}
    return await load_facts(request, ENCOUNTERS, ask, patient)


async def load_conditions(
    request: Request[Records], patient: Compartment
) -> Gathered[Fact[Condition]]:
    ask = {name: source.conditions for name, source in request.services.items()}
    return await load_facts(request, CONDITIONS, ask, patient)


async def load_allergies(
    request: Request[Records], patient: Compartment
) -> Gathered[Fact[AllergyIntolerance]]:
    ask = {name: source.allergies for name, source in request.services.items()}
    return await load_facts(request, ALLERGIES, ask, patient)


async def load_procedures(
    request: Request[Records], patient: Compartment
) -> Gathered[Fact[Procedure]]:
    ask = {name: source.procedures for name, source in request.services.items()}
    return await load_facts(request, PROCEDURES, ask, patient)


async def load_immunizations(
    request: Request[Records], patient: Compartment
) -> Gathered[Fact[Immunization]]:
    ask = {name: source.immunizations for name, source in request.services.items()}
    return await load_facts(request, IMMUNIZATIONS, ask, patient)
