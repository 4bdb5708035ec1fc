"""One source's record of a chart: the patient, and what the source's own visits produced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sandbox.data.care import record_lab_order, record_note, record_open_order, record_plan
from sandbox.data.chart import VISIT_LENGTH, Chart, Diagnosis, Visit
from sandbox.data.codes import CHECKUP, OFFICE_VISIT, PROCEDURES, VIDEO_VISIT
from sandbox.data.history import record_history
from sandbox.data.measurements import record_labs, record_vitals
from sandbox.data.medications import record_prescriptions
from sandbox.data.payer import account_number
from sandbox.data.people import Person
from sandbox.data.recorder import Recorder
from sandbox.data.shapes import (
    ACT_CODE,
    SSN,
    Reference,
    concept,
    hl7_concept,
    instant,
)
from sandbox.data.source import SourceBuilder


def record_patient(
    source: SourceBuilder,
    person: Person,
    organization: Reference,
    doctor: Reference | None,
    member_id: str | None,
    updated: Any,
) -> Reference:
    identifiers: list[dict[str, Any]] = [
        {
            "use": "usual",
            "type": hl7_concept("v2-0203", "MR", "Medical record number"),
            "system": f"https://{source.name}.example/mrn",
            "value": source.number(7, "mrn", person.number),
        }
    ]
    if person.ssn:
        kind = hl7_concept("v2-0203", "SS", "Social Security number")
        identifiers.append({"type": kind, "system": SSN, "value": person.ssn})
    if member_id:
        kind = hl7_concept("v2-0203", "MB", "Member Number")
        system = "https://payer.example/member"
        identifiers.append({"type": kind, "system": system, "value": member_id})
    name = {"use": "official", "family": person.family, "given": [person.given, person.middle]}
    return source.add(
        "Patient",
        (person.number,),
        updated,
        active=True,
        identifier=identifiers,
        name=[{**name, **({"suffix": [person.suffix]} if person.suffix else {})}],
        gender=person.gender,
        birthDate=_iso(person.birth_date),
        deceasedBoolean=person.deceased or None,
        telecom=[{"system": "phone", "use": "mobile", "value": person.phone}],
        address=[
            {
                "use": "home",
                "line": [person.street],
                "city": person.city.name,
                "state": person.city.state,
                "postalCode": person.city.zip,
                "country": "US",
            }
        ],
        managingOrganization=organization,
        generalPractitioner=[doctor] if doctor else None,
    )


def record_guardian(
    source: SourceBuilder, guardian: Person, child: Reference, updated: Any
) -> Reference:
    relation = ("MTH", "mother") if guardian.gender == "female" else ("FTH", "father")
    return source.add(
        "RelatedPerson",
        (guardian.number,),
        updated,
        active=True,
        patient=child,
        relationship=[
            hl7_concept("v3-RoleCode", *relation),
            hl7_concept("v3-RoleCode", "GUARD", "guardian"),
        ],
        name=[{"use": "official", "family": guardian.family, "given": [guardian.given]}],
        telecom=[{"system": "phone", "use": "mobile", "value": guardian.phone}],
        gender=guardian.gender,
        birthDate=_iso(guardian.birth_date),
    )


def record_chart(
    recorder: Recorder, chart: Chart, visits: Sequence[Visit], today: datetime
) -> None:
    conditions = {d.name: _condition(recorder, d) for d in chart.diagnoses}
    for diagnosis in chart.diagnoses:
        record_prescriptions(recorder, diagnosis, conditions[diagnosis.name], visits, today)
        record_plan(recorder, diagnosis, conditions[diagnosis.name])
    _allergy(recorder, chart)
    record_history(recorder, replace(chart, visits=tuple(visits)), today)
    for visit in visits:
        encounter = _visit(recorder, visit, conditions)
        record_note(recorder, visit, encounter)
        if visit is visits[-1]:
            record_open_order(recorder, visit, encounter)


def _condition(recorder: Recorder, diagnosis: Diagnosis) -> Reference:
    healed = diagnosis.healed
    return recorder.source.add(
        "Condition",
        (recorder.number, diagnosis.name),
        diagnosis.onset,
        diagnosis.problem.sensitivity,
        clinicalStatus=hl7_concept("condition-clinical", "resolved" if healed else "active"),
        verificationStatus=hl7_concept("condition-ver-status", "confirmed"),
        category=[_ENCOUNTER_DIAGNOSIS if healed else _PROBLEM_LIST_ITEM],
        code=concept(diagnosis.problem.icd),
        subject=recorder.patient,
        onsetDateTime=_iso(diagnosis.onset.date()),
        abatementDateTime=_iso(healed.date()) if healed else None,
        recordedDate=instant(diagnosis.onset),
        recorder=recorder.doctor.reference,
    )


_PROBLEM_LIST_ITEM = hl7_concept("condition-category", "problem-list-item", "Problem List Item")
_ENCOUNTER_DIAGNOSIS = hl7_concept(
    "condition-category", "encounter-diagnosis", "Encounter Diagnosis"
)


def _allergy(recorder: Recorder, chart: Chart) -> None:
    if chart.allergy is None:
        return
    substance, reaction, criticality = chart.allergy
    noted = chart.visits[0].start
    recorder.source.add(
        "AllergyIntolerance",
        (recorder.number,),
        noted,
        clinicalStatus=hl7_concept("allergyintolerance-clinical", "active"),
        verificationStatus=hl7_concept("allergyintolerance-verification", "confirmed"),
        type="allergy",
        category=["medication"],
        criticality=criticality,
        code=concept(substance),
        patient=recorder.patient,
        recordedDate=instant(noted),
        reaction=[{"manifestation": [{"text": reaction}]}],
    )


def _visit(recorder: Recorder, visit: Visit, conditions: dict[str, Reference]) -> Reference:
    source = recorder.source
    encounter = source.add(
        "Encounter",
        (recorder.number, visit.number),
        visit.start + VISIT_LENGTH,
        visit.sensitivity,
        identifier=[
            {
                "type": hl7_concept("v2-0203", "AN", "Account number"),
                "system": f"https://{source.name}.example/account",
                "value": account_number(source, recorder.number, visit.number),
            }
        ],
        status="finished",
        class_=_visit_class(visit),
        type=[concept(VIDEO_VISIT if visit.virtual else OFFICE_VISIT)],
        subject=recorder.patient,
        participant=[{"individual": recorder.doctor.reference}],
        period={"start": instant(visit.start), "end": instant(visit.start + VISIT_LENGTH)},
        reasonCode=[concept(visit.active[0].problem.icd if visit.active else CHECKUP)],
        diagnosis=[{"condition": conditions[d.name]} for d in visit.active],
        serviceProvider=recorder.directory.organization,
        location=None if visit.virtual else [{"location": recorder.directory.location}],
    )
    targets = [encounter]
    if not visit.virtual:
        targets += record_vitals(source, recorder.number, recorder.patient, encounter, visit)
        targets += _care(recorder, visit, encounter)
    performer = recorder.directory.organization
    order = record_lab_order(recorder, visit, encounter)
    targets += record_labs(
        source, recorder.number, recorder.patient, encounter, performer, visit, order
    )
    source.add(
        "Provenance",
        (recorder.number, visit.number),
        visit.start + VISIT_LENGTH,
        target=targets,
        recorded=instant(visit.start + VISIT_LENGTH),
        agent=[
            {
                "type": hl7_concept("provenance-participant-type", "author", "Author"),
                "who": {**recorder.doctor.reference, "display": recorder.doctor.name},
                "onBehalfOf": {
                    **recorder.directory.organization,
                    "display": recorder.directory.title,
                },
            }
        ],
    )
    return encounter


def _care(recorder: Recorder, visit: Visit, encounter: Reference) -> list[Reference]:
    done = []
    if visit.number % 3 == 0:
        names = [diagnosis.name for diagnosis in visit.active]
        special = next((name for name in names if name in PROCEDURES), "any")
        done.append(
            recorder.source.add(
                "Procedure",
                (recorder.number, visit.number),
                visit.start,
                "PSY" if special == "depression" else None,
                status="completed",
                code=concept(PROCEDURES[special]),
                subject=recorder.patient,
                encounter=encounter,
                performedDateTime=instant(visit.start),
            )
        )
    if visit.vaccine is not None:
        done.append(
            recorder.source.add(
                "Immunization",
                (recorder.number, visit.number),
                visit.start,
                status="completed",
                vaccineCode=concept(visit.vaccine),
                patient=recorder.patient,
                encounter=encounter,
                occurrenceDateTime=instant(visit.start),
                primarySource=True,
            )
        )
    return done


def _visit_class(visit: Visit) -> dict[str, str]:
    code, display = ("VR", "virtual") if visit.virtual else ("AMB", "ambulatory")
    return {"system": ACT_CODE, "code": code, "display": display}


def _iso(day: date) -> str:
    return day.isoformat()
