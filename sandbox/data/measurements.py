"""Observations, and the reports that gather them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.data.chart import LAB_DELAY, Visit
from sandbox.data.codes import (
    BLOOD_PRESSURE,
    DIASTOLIC,
    LABS,
    PANELS,
    PHQ9,
    SYSTOLIC,
    VITALS,
    Measure,
)
from sandbox.data.history import record_specimen
from sandbox.data.shapes import Reference, concept, hl7_concept, instant, quantity
from sandbox.data.source import SourceBuilder

_VITAL_SIGNS = hl7_concept("observation-category", "vital-signs", "Vital Signs")
_LABORATORY = hl7_concept("observation-category", "laboratory", "Laboratory")
_SURVEY = hl7_concept("observation-category", "survey", "Survey")


def record_vitals(
    source: SourceBuilder, number: int, patient: Reference, encounter: Reference, visit: Visit
) -> list[Reference]:
    taken = instant(visit.start)
    frame: dict[str, Any] = {
        "status": "final",
        "category": [_VITAL_SIGNS],
        "subject": patient,
        "encounter": encounter,
        "effectiveDateTime": taken,
        "issued": taken,
    }
    pressure = source.add(
        "Observation",
        (number, visit.number, "blood-pressure"),
        visit.start,
        **frame,
        code=concept(BLOOD_PRESSURE),
        component=[
            {"code": concept(m.code), "valueQuantity": quantity(value, m.unit)}
            for m, value in ((SYSTOLIC, visit.systolic), (DIASTOLIC, visit.diastolic))
        ],
    )
    others = [
        source.add(
            "Observation",
            (number, visit.number, name),
            visit.start,
            **frame,
            **_result(VITALS[name], value),
        )
        for name, value in visit.vitals.items()
    ]
    return [pressure, *others]


def record_labs(
    source: SourceBuilder,
    number: int,
    patient: Reference,
    encounter: Reference | None,
    performer: Reference,
    visit: Visit,
    order: Reference | None = None,
) -> list[Reference]:
    """`encounter` is None for results that came from elsewhere, and so is their `order`."""
    when = visit.start + LAB_DELAY
    drawn = encounter is not None and bool(visit.labs)
    specimen = record_specimen(source, number, patient, visit, visit.start) if drawn else None
    frame: dict[str, Any] = {
        "status": "final",
        "category": [_LABORATORY],
        "subject": patient,
        "encounter": encounter,
        "effectiveDateTime": instant(when),
        "issued": instant(when),
        "performer": [performer],
        "basedOn": [order] if order else None,
    }
    results = {
        name: source.add(
            "Observation",
            (number, visit.number, name),
            when,
            "HIV" if name == "viral-load" else None,
            **frame,
            specimen=specimen,
            **_result(LABS[name], value),
        )
        for name, value in visit.labs.items()
    }
    recorded = list(results.values())
    for panel, members in PANELS.items():
        if encounter is not None and all(name in results for name in members):
            report = {**frame, "category": [hl7_concept("v2-0074", "LAB", "Laboratory")]}
            found = [results[name] for name in members]
            key = (number, visit.number, panel.code)
            recorded.append(
                source.add(
                    "DiagnosticReport", key, when, **report, code=concept(panel), result=found
                )
            )
    if visit.phq9 is not None and encounter is not None:
        survey = {**frame, "category": [_SURVEY]}
        key = (number, visit.number, "phq9")
        recorded.append(
            source.add("Observation", key, when, "PSY", **survey, **_result(PHQ9, visit.phq9))
        )
    return recorded


def _result(measure: Measure, value: Decimal) -> dict[str, Any]:
    bounds = {"low": measure.low, "high": measure.high}
    stated = {name: quantity(b, measure.unit) for name, b in bounds.items() if b is not None}
    flag = _flag(measure, value)
    return {
        "code": concept(measure.code),
        "valueQuantity": quantity(value, measure.unit),
        "referenceRange": [stated] if stated else None,
        "interpretation": [hl7_concept("v3-ObservationInterpretation", flag)] if flag else None,
    }


def _flag(measure: Measure, value: Decimal) -> str | None:
    if measure.low is None and measure.high is None:
        return None
    if measure.high is not None and value > measure.high:
        return "H"
    if measure.low is not None and value < measure.low:
        return "L"
    return "N"
