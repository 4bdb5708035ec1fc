"""What a chart holds beside its visits: a screening, an image, a device, a form, the family.

https://hl7.org/fhir/us/core/STU8/profiles-and-extensions.html
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sandbox.data.chart import Chart, Visit
from sandbox.data.codes import HPV
from sandbox.data.recorder import Recorder
from sandbox.data.shapes import (
    HCPCS,
    HL7,
    SNOMED,
    Coded,
    Reference,
    coding,
    concept,
    hl7_concept,
    instant,
)
from sandbox.data.source import SourceBuilder

_COLONOSCOPY = Coded(HCPCS, "G0121", "Colorectal cancer screening; colonoscopy")
_SCREENED_FROM = 45
_YEAR = 365
_CONSENTING = range(14, 18)
"""Ages at which the last visit, too, was one of a minor who may decide some things alone."""
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_XRAY = Coded(_DICOM, "DX", "Digital Radiography")
_CHEST = Coded(SNOMED, "51185008", "Thoracic structure")
_PLAIN_XRAY = Coded(SNOMED, "399208008", "Plain X-ray of chest")
_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhf"
    "DwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""A picture in PNG: one dot."""
_SOP_CLASS = {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840.10008.5.1.4.1.1.1.1"}
_METER = Coded(SNOMED, "337414009", "Blood glucose meter")
_BLOOD = Coded(SNOMED, "119297000", "Blood specimen")
_EXERCISE = "http://loinc.org/q/89574-8"
_QUESTIONS = (
    (
        "/89555-7",
        "How many days per week did you engage in moderate to strenuous physical activity?",
    ),
    ("/68516-4", "On those days, how many minutes, on average, do you exercise at this level?"),
)
_FAMILY = (
    ("FTH", "father", Coded(SNOMED, "38341003", "Hypertensive disorder, systemic arterial"), 51),
    ("MTH", "mother", Coded(SNOMED, "44054006", "Diabetes mellitus type 2"), 58),
)


def record_imaging_endpoint(
    source: SourceBuilder, organization: Reference, today: datetime
) -> None:
    source.add(
        "Endpoint",
        ("dicomweb",),
        today,
        status="active",
        connectionType={"system": f"{HL7}endpoint-connection-type", "code": "dicom-wado-rs"},
        managingOrganization=organization,
        payloadType=[{"text": "DICOM"}],
        address=f"https://images.{source.name}.example/dicomweb",
    )


def record_history(recorder: Recorder, chart: Chart, today: datetime) -> None:
    """For every third of the grown-ups, and for the patient persona all of it."""
    number, person = recorder.number, chart.person
    first = chart.visits[0]
    if person.age >= _SCREENED_FROM and number % 3 == 0:
        _colonoscopy(recorder, today - timedelta(days=_YEAR * (1 + number % 8) + 100))
    if chart.diagnoses and number % 2 == 0:
        _family(recorder, first)
        _chest_xray(recorder, chart.visits[-1])
        _picture(recorder, chart.visits[-1])
    if any(diagnosis.name == "diabetes" for diagnosis in chart.diagnoses):
        _glucose_meter(recorder, first)
    if person.age in _CONSENTING:
        _vaccination(recorder, chart.visits[-1])
    if chart.diagnoses and number % 3 == 0:
        _exercise(recorder, chart.visits[-1])


def record_specimen(
    source: SourceBuilder, number: int, patient: Reference, visit: Visit, drawn: datetime
) -> Reference:
    return source.add(
        "Specimen",
        (number, visit.number),
        drawn,
        status="available",
        type=concept(_BLOOD),
        subject=patient,
        accessionIdentifier={
            "system": f"https://{source.name}.example/accession",
            "value": source.number(8, "accession", number, visit.number),
        },
        collection={"collectedDateTime": instant(drawn)},
    )


def _vaccination(recorder: Recorder, visit: Visit) -> None:
    recorder.source.add(
        "Immunization",
        (recorder.number, "hpv"),
        visit.start,
        status="completed",
        vaccineCode=concept(HPV),
        patient=recorder.patient,
        occurrenceDateTime=instant(visit.start),
        primarySource=True,
    )


def _colonoscopy(recorder: Recorder, done: datetime) -> None:
    recorder.source.add(
        "Procedure",
        (recorder.number, "colonoscopy"),
        done,
        status="completed",
        code=concept(_COLONOSCOPY),
        subject=recorder.patient,
        performedDateTime=instant(done),
    )


def _chest_xray(recorder: Recorder, visit: Visit) -> None:
    source, number = recorder.source, recorder.number
    uid = f"2.25.{int(source.number(18, 'study', number)) + 10**18}"
    endpoint = {"reference": f"Endpoint/{source.identify('Endpoint', 'dicomweb')}"}
    instance = {"uid": f"{uid}.1.1", "number": 1, "sopClass": _SOP_CLASS, "title": "Chest PA"}
    source.add(
        "ImagingStudy",
        (number,),
        visit.start,
        visit.sensitivity,
        identifier=[{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}],
        status="available",
        modality=[coding(_XRAY)],
        subject=recorder.patient,
        encounter=recorder.encounter(visit.number),
        started=instant(visit.start),
        endpoint=[endpoint],
        numberOfSeries=1,
        numberOfInstances=1,
        description="Chest PA",
        series=[
            {
                "uid": f"{uid}.1",
                "number": 1,
                "modality": coding(_XRAY),
                "description": "Chest PA",
                "bodySite": coding(_CHEST),
                "numberOfInstances": 1,
                "instance": [instance],
            }
        ],
    )


def _picture(recorder: Recorder, visit: Visit) -> None:
    """The key image, as it is shown without a viewer."""
    recorder.source.add(
        "Media",
        (recorder.number,),
        visit.start,
        visit.sensitivity,
        status="completed",
        type=hl7_concept("media-type", "image", "Image"),
        modality=concept(_PLAIN_XRAY),
        subject=recorder.patient,
        encounter=recorder.encounter(visit.number),
        createdDateTime=instant(visit.start),
        content={"contentType": "image/png", "title": "Chest PA", "data": _PIXEL},
    )


def _glucose_meter(recorder: Recorder, visit: Visit) -> None:
    source = recorder.source
    serial = source.number(8, "meter", recorder.number)
    source.add(
        "Device",
        (recorder.number, "meter"),
        visit.start,
        status="active",
        udiCarrier=[
            {
                "deviceIdentifier": "00801234567890",
                "carrierHRF": f"(01)00801234567890(21){serial}",
            }
        ],
        serialNumber=serial,
        deviceName=[{"name": "Glucose meter", "type": "user-friendly-name"}],
        type=concept(_METER),
        patient=recorder.patient,
    )


def _exercise(recorder: Recorder, visit: Visit) -> None:
    days, minutes = recorder.number % 7, 10 * (1 + recorder.number % 6)
    source = recorder.source
    source.add(
        "QuestionnaireResponse",
        (recorder.number, "exercise"),
        visit.start,
        visit.sensitivity,
        questionnaire=_EXERCISE,
        status="completed",
        subject=recorder.patient,
        encounter=recorder.encounter(visit.number),
        authored=instant(visit.start),
        author=recorder.patient,
        item=[
            {"linkId": link, "text": text, "answer": [{"valueInteger": value}]}
            for (link, text), value in zip(_QUESTIONS, (days, minutes), strict=True)
        ],
    )


def _family(recorder: Recorder, visit: Visit) -> None:
    for code, display, illness, age in _FAMILY:
        told: dict[str, Any] = {"code": concept(illness), "onsetAge": _years(age)}
        recorder.source.add(
            "FamilyMemberHistory",
            (recorder.number, code),
            visit.start,
            status="completed",
            patient=recorder.patient,
            date=visit.start.date().isoformat(),
            relationship=hl7_concept("v3-RoleCode", code, display),
            condition=[told],
        )


def _years(age: int) -> dict[str, Any]:
    return {"value": age, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}
