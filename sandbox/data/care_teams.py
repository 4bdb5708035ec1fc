"""Who looks after a patient at one EHR, as care teams: the family's doctor, and specialists.

https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-careteam.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.data.chart import Chart, Diagnosis
from sandbox.data.codes import (
    CARDIOLOGY,
    CONDITION_TEAM,
    ENDOCRINOLOGY,
    LONGITUDINAL_TEAM,
    PATIENT_HERSELF,
    PHYSICIAN,
    PRIMARY_CARE_PROVIDER,
    PSYCHIATRY,
)
from sandbox.data.directory import Practitioner
from sandbox.data.recorder import Recorder
from sandbox.data.shapes import Coded, Reference, concept, instant

_TREATS = {
    "diabetes": ENDOCRINOLOGY,
    "hypertension": CARDIOLOGY,
    "depression": PSYCHIATRY,
}


def record_care_teams(recorder: Recorder, chart: Chart) -> None:
    """One team for all, one more for each illness that a specialist of the house treats.

    A specialist takes part by the role, a family doctor in person: both are allowed. What a team
    is for may be sensitive, and then the team is.
    """
    since = chart.visits[0].start
    patient = _member(PATIENT_HERSELF, recorder.patient, since)
    doctor = _member(PRIMARY_CARE_PROVIDER, recorder.doctor.reference, since)
    doctor["member"] = {**doctor["member"], "display": recorder.doctor.name}
    doctor["onBehalfOf"] = recorder.directory.organization
    _team(recorder, "all", since, [patient, doctor], LONGITUDINAL_TEAM)
    for diagnosis in chart.diagnoses:
        specialist = _specialist(recorder, diagnosis)
        if specialist is not None:
            members = [patient, _member(PHYSICIAN, specialist.role, diagnosis.onset)]
            _team(recorder, diagnosis.name, diagnosis.onset, members, CONDITION_TEAM, diagnosis)


def _specialist(recorder: Recorder, diagnosis: Diagnosis) -> Practitioner | None:
    specialty = _TREATS.get(diagnosis.name)
    found = (p for p in recorder.directory.practitioners if p.specialty == specialty)
    return next(found, None)


def _team(
    recorder: Recorder,
    name: str,
    since: datetime,
    members: list[dict[str, Any]],
    category: Coded,
    diagnosis: Diagnosis | None = None,
) -> None:
    recorder.source.add(
        "CareTeam",
        (recorder.number, name),
        since,
        diagnosis.problem.sensitivity if diagnosis else None,
        status="inactive" if diagnosis and diagnosis.healed else "active",
        category=[concept(category)],
        name="Care team" if diagnosis is None else f"Care team, {name}",
        subject=recorder.patient,
        period={"start": instant(since)},
        participant=members,
        reasonCode=[concept(diagnosis.problem.icd)] if diagnosis else None,
        managingOrganization=[recorder.directory.organization],
    )


def _member(role: Coded, member: Reference, since: datetime) -> dict[str, Any]:
    return {
        "role": [concept(role)],
        "member": dict(member),
        "period": {"start": instant(since)},
    }
