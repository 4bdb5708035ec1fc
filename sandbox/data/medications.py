"""What is prescribed for a problem, and what the pharmacy gave out.

EHR-A writes the drug into the prescription, or contains it; EHR-B refers to a list of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sandbox.data.chart import Chart, Diagnosis, Visit
from sandbox.data.codes import PROBLEMS
from sandbox.data.recorder import Recorder
from sandbox.data.shapes import Coded, Reference, concept, hl7_concept, instant
from sandbox.data.source import SourceBuilder

SUPPLY_DAYS = 30
_PICKED_UP_AFTER = timedelta(days=1)
_REFILLED_AFTER = timedelta(days=SUPPLY_DAYS)
_FORMS = {"745679": "puff", "1010600": "film"}
_CONTAINED_EVERY = 3
_NEVER_PICKED_UP = (3, 5)  # of five people the fourth
_COPIED_WRONGLY_EVERY = 6
# A substance-use program may tell nobody what it is: nor does whoever hears of the drug alone.
_UNLABELLED_ELSEWHERE = "ETH"


def record_formulary(source: SourceBuilder, written: datetime) -> Mapping[str, Reference]:
    """A Medication for each drug there is, by its RxCUI."""
    drugs = {problem.drug.code: problem.drug for problem in PROBLEMS.values() if problem.drug}
    return {
        code: source.add("Medication", (code,), written, status="active", code=concept(drug))
        for code, drug in drugs.items()
    }


def record_prescriptions(
    recorder: Recorder,
    diagnosis: Diagnosis,
    condition: Reference,
    visits: Sequence[Visit],
    today: datetime,
) -> None:
    """The last one is running; the one before it has run out, and was filled twice."""
    drug = diagnosis.problem.drug
    if drug is None:
        return
    recent = [visit for visit in visits if visit.start >= diagnosis.onset][-2:]
    for visit in recent:
        is_running = visit is recent[-1]
        prescription = _prescribe(
            recorder,
            diagnosis,
            drug,
            visit,
            "active" if is_running else "completed",
            encounter=recorder.encounter(visit.number),
            requester={**recorder.doctor.reference, "display": recorder.doctor.name},
            reasonReference=[{**condition, "display": diagnosis.problem.icd.display}],
        )
        fills = [visit.start + _PICKED_UP_AFTER]
        fills += [] if is_running else [visit.start + _REFILLED_AFTER]
        turn, of = _NEVER_PICKED_UP
        if recorder.number % of != turn:
            for number, moment in enumerate(fill for fill in fills if fill < today):
                _dispense(recorder, diagnosis, drug, prescription, visit.number, number, moment)


def copy_prescriptions(recorder: Recorder, chart: Chart, visits: Sequence[Visit]) -> None:
    """What is running elsewhere, as the patient brought it along; sometimes misread."""
    for diagnosis in chart.diagnoses:
        drug = diagnosis.problem.drug
        recent = [visit for visit in visits if visit.start >= diagnosis.onset]
        if drug is not None and recent:
            is_wrong = (
                diagnosis.name == "hypertension" and recorder.number % _COPIED_WRONGLY_EVERY == 0
            )
            _prescribe(
                recorder,
                diagnosis,
                drug,
                recent[-1],
                "active",
                amount=2 if is_wrong else 1,
                reportedBoolean=True,
                reasonCode=[concept(diagnosis.problem.snomed, diagnosis.problem.icd)],
            )


def _prescribe(
    recorder: Recorder,
    diagnosis: Diagnosis,
    drug: Coded,
    visit: Visit,
    status: str,
    *,
    amount: int = 1,
    **content: Any,
) -> Reference:
    form = _FORMS.get(drug.code, "tablet")
    is_copy = "reportedBoolean" in content
    return recorder.source.add(
        "MedicationRequest",
        (recorder.number, diagnosis.name, visit.number, *(["copy"] if is_copy else [])),
        visit.start,
        _sensitivity(diagnosis, is_elsewhere=is_copy),
        status=status,
        intent="order",
        **_medication(recorder, drug, visit.number),
        subject=recorder.patient,
        authoredOn=instant(visit.start),
        dosageInstruction=[
            {
                "text": f"Take {amount} daily",
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": amount, "unit": form}}],
            }
        ],
        dispenseRequest={
            "numberOfRepeatsAllowed": 3,
            "quantity": {"value": SUPPLY_DAYS * amount, "unit": form},
        },
        **content,
    )


def _dispense(
    recorder: Recorder,
    diagnosis: Diagnosis,
    drug: Coded,
    prescription: Reference,
    visit_number: int,
    number: int,
    moment: datetime,
) -> None:
    recorder.source.add(
        "MedicationDispense",
        (recorder.number, diagnosis.name, visit_number, number),
        moment,
        _sensitivity(diagnosis, is_elsewhere=bool(recorder.formulary)),
        status="completed",
        type=hl7_concept("v3-ActCode", "RFC" if number else "FFC"),
        **_medication(recorder, drug, visit_number),
        subject=recorder.patient,
        performer=[{"actor": {**recorder.directory.organization, "display": "Pharmacy"}}],
        authorizingPrescription=[prescription],
        quantity={"value": SUPPLY_DAYS, "unit": _FORMS.get(drug.code, "tablet")},
        daysSupply={"value": SUPPLY_DAYS, "unit": "d"},
        whenHandedOver=instant(moment),
    )


def _medication(recorder: Recorder, drug: Coded, visit_number: int) -> dict[str, Any]:
    listed = recorder.formulary.get(drug.code)
    if listed is not None:
        return {"medicationReference": {**listed, "display": drug.display}}
    if visit_number % _CONTAINED_EVERY:
        return {"medicationCodeableConcept": concept(drug)}
    contained = {"resourceType": "Medication", "id": "drug", "code": concept(drug)}
    return {"contained": [contained], "medicationReference": {"reference": "#drug"}}


def _sensitivity(diagnosis: Diagnosis, *, is_elsewhere: bool) -> str | None:
    sensitivity = diagnosis.problem.sensitivity
    return None if is_elsewhere and sensitivity == _UNLABELLED_ELSEWHERE else sensitivity
