"""From a line of an export to what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from subgraphs.connectors.bulk.lines import Row
from subgraphs.insight.measures.definition import Concept, Measures
from subgraphs.insight.model import (
    MODELS,
    Component,
    Condition,
    DiagnosticReport,
    Fact,
    Immunization,
    Member,
    Observation,
    Patient,
    Procedure,
    Record,
    Said,
)
from subgraphs.runtime.fhir import CodeableConcept, Quantity, Reference, subjects, tokens
from subgraphs.runtime.labelling import mentions_of, words
from subgraphs.runtime.moments import day_of
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.units.quantities import normalized

_STANDS: Final[Mapping[str, frozenset[str]]] = {
    "Observation": frozenset({"final", "amended", "corrected"}),
    "DiagnosticReport": frozenset({"final", "amended", "corrected", "appended"}),
    "Procedure": frozenset({"completed"}),
    "Immunization": frozenset({"completed"}),
}
"""Statuses of what has been done and holds; of a condition `_is_doubtful` decides."""
_OVER: Final = frozenset({"inactive", "remission", "resolved"})
_DOUBTFUL: Final = frozenset({"entered-in-error", "refuted", "differential", "unconfirmed"})

_decoders = {name: msgspec.json.Decoder(model) for name, model in MODELS.items()}


class Unreadable(Exception):
    """A line that is no resource of ours to read; it names none."""


def read_member(row: Row) -> Member:
    patient: Patient = _decode(row)
    labels = (label.code for label in patient.meta.security)
    place = patient.managing_organization
    return Member(
        id=patient.id,
        updated=rank(patient.meta.last_updated),
        is_active=patient.active,
        sex=patient.gender,
        born=patient.birth_date,
        has_died=patient.deceased_boolean or patient.deceased_date_time is not None,
        organization=(place.display or place.reference) if place else None,
        labels=tuple(code for code in labels if code),
    )


def read_said(row: Row, measures: Measures) -> Said:
    """What a record says; without facts where no measure speaks of it, or it does not hold."""
    record: Record = _decode(row)
    owner = record.patient if isinstance(record, Immunization) else record.subject
    patient = owner.id_of("Patient") if isinstance(owner, Reference) else None
    if patient is None:
        raise Unreadable
    main = record.vaccine_code if isinstance(record, Immunization) else record.code
    labels = (label.code for label in record.meta.security)
    moment = _moment(record) or ""
    stands = record.status in _STANDS[row.type] if row.type in _STANDS else _holds(record)
    return Said(
        type=row.type,
        id=record.id,
        patient=patient,
        facts=tuple(_facts(record, main, moment, measures)) if stands else (),
        subjects=tuple(sorted(subjects(main))),
        mentions=tuple(sorted(subjects(main) | _mentions(record, main))),
        moment=rank(moment),
        source_labels=tuple(code for code in labels if code),
    )


def _decode(row: Row) -> Any:
    try:
        return _decoders[row.type].decode(row.raw)
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError):
        raise Unreadable from None


def _facts(
    record: Record, main: CodeableConcept | None, moment: str, measures: Measures
) -> Iterator[Fact]:
    day = day_of(moment) or None
    if isinstance(record, Condition):
        until = _ended(record, day)
        for name in measures.concepts_of("Condition", subjects(main)):
            yield Fact(name, day or "0001-01-01", until)
        return
    for name in measures.concepts_of(type(record).__name__, subjects(main)):
        yield _measured(name, measures.concepts[name], day, record)
    if isinstance(record, Observation):
        for part in record.component:
            for name in measures.concepts_of("Observation", subjects(part.code)):
                yield _measured(name, measures.concepts[name], day, part)


def _measured(name: str, concept: Concept, day: str | None, record: Record | Component) -> Fact:
    if not isinstance(record, Observation | Component):
        return Fact(name, day, has_value=True)
    amount = _amount(concept, record.value_quantity)
    has_value = record.data_absent_reason is None
    return Fact(name, day, value=amount, has_value=has_value)


def _amount(concept: Concept, quantity: Quantity | None) -> str | None:
    """In the concept's unit; a limit beyond which the true value lies says less than a number."""
    if not (concept.analyte or concept.unit) or quantity is None or quantity.comparator:
        return None
    found = normalized(quantity, concept.measured, concept.unit)
    return None if found is None or found.value is None else f"{found.value:f}"


def _moment(record: Record) -> str | None:
    match record:
        case Condition():
            onset = record.onset_period.start if record.onset_period else None
            return record.onset_date_time or onset or record.recorded_date
        case Observation():
            period = record.effective_period
            taken = record.effective_date_time or record.effective_instant
            return taken or ((period.end or period.start) if period else None)
        case DiagnosticReport():
            period = record.effective_period
            return record.effective_date_time or ((period.end or period.start) if period else None)
        case Procedure():
            period = record.performed_period
            return record.performed_date_time or ((period.end or period.start) if period else None)
        case Immunization():
            return record.occurrence_date_time
    return None


def _holds(record: Record) -> bool:
    assert isinstance(record, Condition), "of all others the status tells"
    return not tokens([record.verification_status]) & _DOUBTFUL


def _ended(condition: Condition, day: str | None) -> str | None:
    period = condition.abatement_period
    ended = condition.abatement_date_time or ((period.end or period.start) if period else None)
    if ended:
        return day_of(ended) or None
    # One that is over since nobody knows when counts at no time after it began.
    return (day or "0001-01-01") if tokens([condition.clinical_status]) & _OVER else None


def _mentions(record: Record, main: CodeableConcept | None) -> frozenset[str]:
    named = mentions_of(main)
    match record:
        case Observation():
            parts = (p for c in record.component for p in (c.code, c.value_codeable_concept))
            others = mentions_of(record.value_codeable_concept, *parts)
            return named | others | words(record.value_string)
        case DiagnosticReport():
            return named | mentions_of(*record.conclusion_code) | words(record.conclusion)
        case Procedure():
            return named | mentions_of(*record.reason_code)
    return named
