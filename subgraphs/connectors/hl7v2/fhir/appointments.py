"""Appointments: SCH and the resources they take."""

from __future__ import annotations

from collections.abc import Iterator

from subgraphs.connectors.hl7v2.fhir.elements import Namer, Resource, filled, reference
from subgraphs.connectors.hl7v2.fhir.people import patient_resource, practitioner_reference
from subgraphs.connectors.hl7v2.message import Message
from subgraphs.connectors.hl7v2.siu import Appointment
from subgraphs.connectors.hl7v2.times import fhir_time


def appointment_resources(
    appointment: Appointment, message: Message, name: Namer
) -> Iterator[Resource]:
    sent_at = fhir_time(message.sent_at)
    patient = patient_resource(appointment.person, name, sent_at) if appointment.person else None
    if patient is None:
        return
    yield patient
    taking_part = [
        *filter(None, map(practitioner_reference, appointment.practitioners)),
        *({"display": place} for place in appointment.locations if place),
    ]
    yield filled(
        resourceType="Appointment",
        id=name("appointment", appointment.filler or appointment.placer),
        meta=filled(lastUpdated=sent_at),
        status=appointment.status,
        serviceType=[filled(text=each.display or each.code) for each in appointment.services],
        appointmentType=filled(text=appointment.reason) or None,
        start=appointment.start,
        end=appointment.end,
        patientInstruction="\n".join(appointment.notes) or None,
        participant=[
            {"actor": reference("Patient", patient["id"]), "status": "accepted"},
            *({"actor": each, "status": "accepted"} for each in taking_part),
        ],
    )
