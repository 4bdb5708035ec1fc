"""Who can sign in to the sandbox, and what each one's token says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.data.consents import RECOVERY

CLIENTS = Path(__file__).with_name("clients.yaml")
"""The demo's registry of clients."""
USER_CLIENT = "chartgraph-web"
PARTNER_CLIENT = "partner-app"
_AUTHORIZING = ("user/Claim.cu",)
"""To ask a payer for its agreement, and to take that back."""


_WRITTEN_BY_STAFF = ("user/Communication.c", "user/Task.cu")
_WRITTEN_BY_PATIENTS = (
    "patient/Appointment.cu",
    "patient/PaymentNotice.c",
    "patient/Communication.c",
    "patient/Consent.cu",
    "patient/Task.c",
)


@dataclass(frozen=True, slots=True)
class Persona:
    """`patient` is the launch patient's id in EHR-A; `purpose` a code of v3-PurposeOfUse."""

    name: str
    title: str
    subject: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    purpose: str
    client_id: str = USER_CLIENT
    patient: str | None = None
    fhir_user: str | None = None
    organization: str | None = None


def personas(
    launch_patient: str, clinician: str, child: str = "child", guardian: str = "guardian"
) -> Mapping[str, Persona]:
    """All of them are ids in EHR-A: two patients, a practitioner and the child's RelatedPerson."""
    identity = ("openid", "fhirUser")
    everyone = (
        Persona(
            name="clinician",
            title="A family physician at EHR-A",
            subject="clinician-1",
            roles=("clinician",),
            scopes=(
                *identity,
                "user/*.rs",
                "user/Appointment.cu",
                *_WRITTEN_BY_STAFF,
                *_AUTHORIZING,
            ),
            purpose="TREAT",
            fhir_user=f"Practitioner/{clinician}",
        ),
        Persona(
            name="emergency",
            title="An emergency physician, who may break the glass",
            subject="emergency-1",
            roles=("clinician",),
            scopes=(*identity, "user/*.rs"),
            purpose="ETREAT",
        ),
        Persona(
            name="counselor",
            title="A counselor of Stillwater Recovery, whom consents let see what is closed",
            subject="counselor-1",
            roles=("clinician",),
            scopes=(*identity, "user/*.rs"),
            purpose="TREAT",
            organization=RECOVERY,
        ),
        Persona(
            name="patient",
            title="A patient of both EHRs, with a video visit ahead",
            subject="patient-1",
            roles=("patient",),
            scopes=(*identity, "launch/patient", "patient/*.rs", *_WRITTEN_BY_PATIENTS),
            purpose="PATRQT",
            patient=launch_patient,
            fhir_user=f"Patient/{launch_patient}",
        ),
        Persona(
            name="guardian",
            title="A parent, who sees what a minor's record holds for parents",
            subject="guardian-1",
            roles=("proxy",),
            scopes=(*identity, "launch/patient", "patient/*.rs", "patient/Consent.cu"),
            purpose="FAMRQT",
            patient=child,
            fhir_user=f"RelatedPerson/{guardian}",
        ),
        Persona(
            name="scheduler",
            title="Somebody at the front desk of EHR-A",
            subject="scheduler-1",
            roles=("scheduler",),
            scopes=(
                *identity,
                "user/Patient.rs",
                "user/Appointment.crus",
                "user/Slot.rs",
                "user/Schedule.rs",
                "user/Coverage.rs",
            ),
            purpose="HOPERAT",
        ),
        Persona(
            name="biller",
            title="A billing clerk",
            subject="biller-1",
            roles=("biller",),
            scopes=(
                *identity,
                "user/Patient.rs",
                "user/Coverage.rs",
                "user/ExplanationOfBenefit.rs",
                "user/Claim.rs",
                "user/Encounter.rs",
                *_AUTHORIZING,
                "user/PaymentNotice.c",
            ),
            purpose="HPAYMT",
        ),
        Persona(
            name="partner",
            title="A partner's app, acting for that patient: vital signs only",
            subject="patient-1",
            roles=("partner-app",),
            scopes=("patient/Patient.rs", "patient/Observation.rs?category=vital-signs"),
            purpose="PATRQT",
            client_id=PARTNER_CLIENT,
            patient=launch_patient,
        ),
        Persona(
            name="steward",
            title="An identity steward: who is who, and who is not",
            subject="steward-1",
            roles=("identity-steward",),
            scopes=(*identity, "user/Patient.rs", "user/Identifier.rs"),
            purpose="HOPERAT",
        ),
        Persona(
            name="privacy-officer",
            title="A privacy officer",
            subject="privacy-officer-1",
            roles=("privacy-officer",),
            scopes=(*identity, "user/Patient.rs", "user/AuditEvent.rs", "user/Consent.crus"),
            purpose="HCOMPL",
        ),
        Persona(
            name="researcher",
            title="A researcher, who may see rates and no one's data",
            subject="researcher-1",
            roles=("researcher",),
            scopes=(*identity, "user/MeasureReport.rs"),
            purpose="HRESCH",
        ),
        Persona(
            name="developer",
            title="A developer, who may see the schema and no one's data",
            subject="developer-1",
            roles=("developer",),
            scopes=identity,
            purpose="HSYSADMIN",
        ),
        Persona(
            name="tester",
            title="A tester of the API, to whom no field is refused but what takes an emergency",
            subject="tester-1",
            roles=("clinician", "identity-steward", "privacy-officer"),
            scopes=(*identity, "user/*.cruds"),
            purpose="HOPERAT",
        ),
    )
    return {persona.name: persona for persona in everyone}
