"""What patients and their doctors have written to each other."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.data.directory import Practitioner
from sandbox.data.shapes import Reference, hl7_concept, instant
from sandbox.data.source import SourceBuilder

_THREAD = (
    ("doctor", "Your results are in. Everything is as we hoped: please go on as before."),
    ("patient", "Thank you. Should I still take the tablets in the evening?"),
    ("doctor", "Yes, in the evening, with something to eat."),
)


def record_messages(
    source: SourceBuilder, number: int, patient: Reference, doctor: Practitioner, last: datetime
) -> None:
    """A thread of three, in the days before `last`."""
    before: Reference | None = None
    for place, (writer, text) in enumerate(_THREAD):
        sent = last - timedelta(days=len(_THREAD) - place, hours=place)
        writes, reads = (
            (doctor.reference, patient) if writer == "doctor" else (patient, doctor.reference)
        )
        before = source.add(
            "Communication",
            (number, place),
            sent,
            status="completed",
            category=[hl7_concept("communication-category", "notification")],
            subject=patient,
            topic={"text": "Your results"},
            sender=writes,
            recipient=[reads],
            sent=instant(sent),
            inResponseTo=[before] if before else None,
            payload=[{"contentString": text}],
        )
