"""What is written and planned at a visit: orders, notes, plans and goals."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from sandbox.data.chart import Diagnosis, Visit
from sandbox.data.recorder import Recorder
from sandbox.data.shapes import LOINC, SNOMED, Coded, Reference, concept, hl7_concept, instant

_NOTE = Coded(LOINC, "11506-3", "Progress note")
_LABORATORY = Coded(SNOMED, "108252007", "Laboratory procedure")
_PANEL = Coded(LOINC, "24323-8", "Comprehensive metabolic 2000 panel - Serum or Plasma")
_A1C = Coded(LOINC, "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood")
_US_CORE = "http://hl7.org/fhir/us/core/CodeSystem/"
_PLAN = {"coding": [{"system": f"{_US_CORE}careplan-category", "code": "assess-plan"}]}
_CLINICAL_NOTE = {
    "coding": [{"system": f"{_US_CORE}us-core-documentreference-category", "code": "clinical-note"}]
}
_GOALS = {
    "diabetes": ("Hemoglobin A1c below 7 %", timedelta(days=180)),
    "hypertension": ("Blood pressure below 130/80", timedelta(days=90)),
    "hyperlipidemia": ("LDL cholesterol below 100 mg/dL", timedelta(days=180)),
}


def record_lab_order(recorder: Recorder, visit: Visit, encounter: Reference) -> Reference | None:
    """The order of what was drawn at a visit; its results and reports say they are based on it."""
    if not visit.labs:
        return None
    return _order(recorder, visit, encounter, "labs", "completed", _PANEL)


def record_open_order(recorder: Recorder, visit: Visit, encounter: Reference) -> None:
    """What is still to be done after the last visit."""
    _order(recorder, visit, encounter, "next", "active", _A1C)


def _order(
    recorder: Recorder, visit: Visit, encounter: Reference, name: str, status: str, code: Coded
) -> Reference:
    return recorder.source.add(
        "ServiceRequest",
        (recorder.number, visit.number, name),
        visit.start,
        visit.sensitivity,
        status=status,
        intent="order",
        category=[concept(_LABORATORY)],
        code=concept(code),
        subject=recorder.patient,
        encounter=encounter,
        authoredOn=instant(visit.start),
        requester={**recorder.doctor.reference, "display": recorder.doctor.name},
    )


def record_note(recorder: Recorder, visit: Visit, encounter: Reference) -> None:
    """A note of the visit: every other one apart from its reference, as a Binary."""
    source, key = recorder.source, (recorder.number, visit.number)
    reasons = ", ".join(diagnosis.problem.icd.display for diagnosis in visit.active) or "check-up"
    text = f"Seen by {recorder.doctor.name}. Discussed: {reasons}."
    data = base64.b64encode(text.encode()).decode()
    attachment: dict[str, Any] = {"contentType": "text/plain", "title": "Progress note"}
    if visit.number % 2:
        binary = source.add(
            "Binary", key, visit.start, visit.sensitivity, contentType="text/plain", data=data
        )
        attachment["url"] = binary["reference"]
    else:
        attachment["data"] = data
    source.add(
        "DocumentReference",
        key,
        visit.start,
        visit.sensitivity,
        status="current",
        type=concept(_NOTE),
        category=[_CLINICAL_NOTE],
        subject=recorder.patient,
        date=instant(visit.start),
        author=[{**recorder.doctor.reference, "display": recorder.doctor.name}],
        content=[{"attachment": attachment}],
        context={"encounter": [encounter]},
    )


def record_plan(recorder: Recorder, diagnosis: Diagnosis, condition: Reference) -> None:
    """A plan with one goal, for what is worth planning."""
    wanted = _GOALS.get(diagnosis.name)
    if wanted is None:
        return
    said, within = wanted
    key, start = (recorder.number, diagnosis.name), diagnosis.onset.date()
    goal = recorder.source.add(
        "Goal",
        key,
        diagnosis.onset,
        lifecycleStatus="active",
        achievementStatus=hl7_concept("goal-achievement", "in-progress"),
        description={"text": said},
        subject=recorder.patient,
        startDate=start.isoformat(),
        target=[{"dueDate": (start + within).isoformat()}],
        addresses=[condition],
    )
    recorder.source.add(
        "CarePlan",
        key,
        diagnosis.onset,
        status="active",
        intent="plan",
        category=[_PLAN],
        title=f"Plan for {diagnosis.problem.icd.display}",
        text={
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{said}</div>',
        },
        subject=recorder.patient,
        period={"start": start.isoformat()},
        author={**recorder.doctor.reference, "display": recorder.doctor.name},
        addresses=[condition],
        goal=[goal],
    )
