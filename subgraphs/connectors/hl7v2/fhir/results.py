"""Reports and observations: OBR and OBX."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from subgraphs.connectors.hl7v2.fhir.elements import (
    Namer,
    Resource,
    coded,
    concept,
    filled,
    reference,
)
from subgraphs.connectors.hl7v2.fhir.people import patient_resource
from subgraphs.connectors.hl7v2.message import Message
from subgraphs.connectors.hl7v2.oru import Code, Report, Result, Results, StructuredNumber, Value
from subgraphs.connectors.hl7v2.times import fhir_time

_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
_INTERPRETATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_COMPARATORS: Final = frozenset({"<", ">", "<=", ">="})
_REPORT_STATUSES: Final = {
    "F": "final", "C": "corrected", "P": "preliminary", "R": "partial", "A": "partial",
    "X": "cancelled", "I": "registered", "S": "registered", "O": "registered",
}  # fmt: skip
_STATUSES: Final = {
    "F": "final", "C": "corrected", "P": "preliminary", "R": "preliminary", "S": "preliminary",
    "A": "amended", "B": "final", "U": "final", "I": "registered", "O": "registered",
    "X": "cancelled", "N": "cancelled", "D": "entered-in-error", "W": "entered-in-error",
}  # fmt: skip


def result_resources(results: Results, message: Message, name: Namer) -> Iterator[Resource]:
    """The patient as far as the message tells, and each report with its observations."""
    sent_at = fhir_time(message.sent_at)
    patient = patient_resource(results.person, name, sent_at)
    if patient is None:
        return
    yield patient
    for report in results.reports:
        order = report.filler or report.placer or message.control_id
        observations = [
            _observation(result, report, (order, place), patient["id"], sent_at, name)
            for place, result in enumerate(report.results)
        ]
        yield from observations
        yield filled(
            resourceType="DiagnosticReport",
            id=name("report", order, report.code.code),
            meta=filled(lastUpdated=sent_at),
            subject=reference("Patient", patient["id"]),
            status=_REPORT_STATUSES.get(report.status, "unknown"),
            category=[concept("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB")],
            code=coded(report.code),
            effectiveDateTime=report.observed_at,
            issued=report.reported_at or sent_at,
            result=[reference("Observation", each["id"]) for each in observations],
            conclusion="\n".join(report.notes) or None,
        )


def _observation(
    result: Result,
    report: Report,
    order: tuple[str, int],
    patient: str,
    sent_at: str | None,
    name: Namer,
) -> Resource:
    number, place = order
    # Without a sub-id, its place tells one of several results of a code from the others.
    alike = [each for each in report.results if each.code == result.code]
    which = result.sub_id or (str(place) if len(alike) > 1 else "")
    return filled(
        resourceType="Observation",
        id=name("observation", number, report.code.code, result.code.code, which),
        meta=filled(lastUpdated=sent_at),
        subject=reference("Patient", patient),
        status=_STATUSES.get(result.status, "unknown"),
        category=[concept(_CATEGORY, "laboratory")],
        code=coded(result.code),
        effectiveDateTime=result.observed_at or report.observed_at,
        issued=report.reported_at or sent_at,
        interpretation=[concept(_INTERPRETATION, flag) for flag in result.flags],
        referenceRange=[{"text": result.reference_range}] if result.reference_range else None,
        note=[{"text": note} for note in result.notes],
        **_value(result),
    )


def _value(result: Result) -> Resource:
    """The element of the value's type; several texts are one text of several lines."""
    values = [value for value in result.values if value != ""]
    if not values:
        reason = concept("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown")
        return {"dataAbsentReason": reason}
    first: Value = values[0]
    if isinstance(first, Decimal):
        return {"valueQuantity": _quantity(first, result.unit)}
    if isinstance(first, StructuredNumber):
        return _structured(first, result.unit)
    if isinstance(first, Code):
        return {"valueCodeableConcept": coded(first)}
    return {"valueString": "\n".join(map(str, values))}


def _structured(number: StructuredNumber, unit: str) -> Resource:
    match number:
        case StructuredNumber(first=Decimal() as first, separator="", second=None):
            known = number.comparator if number.comparator in _COMPARATORS else None
            return {"valueQuantity": {**_quantity(first, unit), **filled(comparator=known)}}
        case StructuredNumber(first=Decimal() as low, separator="-", second=Decimal() as high):
            return {"valueRange": {"low": _quantity(low, unit), "high": _quantity(high, unit)}}
        case StructuredNumber(first=Decimal() as of, separator=":" | "/", second=Decimal() as to):
            return {"valueRatio": {"numerator": {"value": of}, "denominator": {"value": to}}}
    parts = (number.comparator, number.first, number.separator, number.second)
    return {"valueString": "".join(str(part) for part in parts if part is not None)}


def _quantity(value: Decimal, unit: str) -> Resource:
    return filled(value=value, unit=unit or None)
