"""The search parameters each resource type offers.

Names and kinds are those of https://hl7.org/fhir/R4/searchparameter-registry.html, as far as
US Core and CARIN ask for them.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.fhir.reading import Kind, SearchParameter


def _token(code: str, *paths: str) -> SearchParameter:
    return SearchParameter(code, Kind.TOKEN, paths or (code,))


def _reference(code: str, *paths: str, target: str | None = None) -> SearchParameter:
    return SearchParameter(code, Kind.REFERENCE, paths or (code,), target)


def _date(code: str, *paths: str) -> SearchParameter:
    return SearchParameter(code, Kind.DATE, paths or (code,))


def _string(code: str, *paths: str) -> SearchParameter:
    return SearchParameter(code, Kind.STRING, paths or (code,))


def _patient(path: str) -> SearchParameter:
    return _reference("patient", path, target="Patient")


_ANY_TYPE = (
    _token("_id", "id"),
    _date("_lastUpdated", "meta.lastUpdated"),
    _token("_security", "meta.security"),
    _token("_tag", "meta.tag"),
)
_IDENTIFIED = (_token("identifier"),)
_UNIDENTIFIED = frozenset({"Binary", "Provenance"})
"""Types that have no parameter `identifier`."""
_NAMES = (
    _string("name", "name.family", "name.given", "name.text"),
    _string("family", "name.family"),
    _string("given", "name.given"),
)
_ADDRESS = (
    _string("address", "address.line", "address.city", "address.state", "address.postalCode"),
    _string("address-city", "address.city"),
    _string("address-state", "address.state"),
    _string("address-postalcode", "address.postalCode"),
)
_SUBJECT = (_patient("subject"), _reference("subject"))

_BY_TYPE: Mapping[str, tuple[SearchParameter, ...]] = {
    "AllergyIntolerance": (
        _patient("patient"),
        _token("clinical-status", "clinicalStatus"),
        _token("code", "code", "reaction.substance"),
        _date("date", "recordedDate"),
    ),
    "Appointment": (
        _reference("patient", "participant.actor", target="Patient"),
        _reference("practitioner", "participant.actor", target="Practitioner"),
        _reference("actor", "participant.actor"),
        _date("date", "start"),
        _token("status"),
        _reference("slot"),
        _reference("location", "participant.actor", target="Location"),
        _token("service-type", "serviceType"),
        _token("specialty"),
    ),
    "Binary": (),
    "CarePlan": (
        *_SUBJECT,
        _token("category"),
        _token("status"),
        _date("date", "period"),
        _reference("encounter"),
    ),
    "CareTeam": (
        *_SUBJECT,
        _token("status"),
        _token("category"),
        _reference("participant", "participant.member"),
    ),
    "Claim": (
        _patient("patient"),
        _token("status"),
        _token("use"),
        _date("created"),
    ),
    "ClaimResponse": (
        _patient("patient"),
        _token("identifier"),
        _token("status"),
        _token("use"),
        _token("outcome"),
        _reference("request"),
        _date("created"),
    ),
    "Communication": (
        *_SUBJECT,
        _token("status"),
        _token("category"),
        _reference("sender"),
        _reference("recipient"),
        _date("sent"),
    ),
    "CommunicationRequest": (
        *_SUBJECT,
        _token("status"),
        _token("category"),
        _date("authored", "authoredOn"),
    ),
    "Condition": (
        *_SUBJECT,
        _token("category"),
        _token("code"),
        _token("clinical-status", "clinicalStatus"),
        _token("verification-status", "verificationStatus"),
        _date("onset-date", "onsetDateTime", "onsetPeriod"),
        _date("recorded-date", "recordedDate"),
        _reference("encounter"),
    ),
    "Consent": (
        _patient("patient"),
        _token("status"),
        _token("scope"),
        _token("category"),
        _date("date", "dateTime"),
        _reference("actor", "provision.actor.reference"),
    ),
    "Coverage": (
        _reference("patient", "beneficiary", target="Patient"),
        _reference("beneficiary"),
        _token("status"),
        _token("type"),
        _reference("payor"),
    ),
    "Device": (
        _patient("patient"),
        _token("type"),
        _token("status"),
        _string("udi-di", "udiCarrier.deviceIdentifier"),
    ),
    "DiagnosticReport": (
        *_SUBJECT,
        _token("category"),
        _token("code"),
        _token("status"),
        _date("date", "effectiveDateTime", "effectivePeriod"),
        _reference("encounter"),
        _reference("result"),
    ),
    "DocumentReference": (
        *_SUBJECT,
        _token("category"),
        _token("type"),
        _token("status"),
        _token("identifier", "masterIdentifier", "identifier"),
        _date("date"),
        _date("period", "context.period"),
        _reference("encounter", "context.encounter"),
    ),
    "Encounter": (
        *_SUBJECT,
        _token("class"),
        _token("type"),
        _token("status"),
        _date("date", "period"),
        _reference("location", "location.location"),
        _reference("participant", "participant.individual"),
    ),
    "ExplanationOfBenefit": (
        _patient("patient"),
        _token("status"),
        _token("type"),
        _date("created"),
        _date("service-date", "billablePeriod", "item.servicedDate"),
        _reference("claim"),
        _reference("coverage", "insurance.coverage"),
        _reference("provider"),
        _reference("insurer"),
    ),
    "Endpoint": (_token("connection-type", "connectionType"), _token("status")),
    "FamilyMemberHistory": (
        _patient("patient"),
        _token("status"),
        _token("relationship"),
        _token("code", "condition.code"),
        _date("date"),
    ),
    "Goal": (
        *_SUBJECT,
        _token("lifecycle-status", "lifecycleStatus"),
        _token("description"),
        _date("start-date", "startDate"),
        _date("target-date", "target.dueDate"),
    ),
    "ImagingStudy": (
        *_SUBJECT,
        _token("status"),
        _token("modality", "series.modality"),
        _date("started"),
        _reference("endpoint", "endpoint", "series.endpoint"),
        _reference("basedon", "basedOn"),
        _reference("encounter"),
    ),
    "Immunization": (
        _patient("patient"),
        _token("status"),
        _token("vaccine-code", "vaccineCode"),
        _date("date", "occurrenceDateTime"),
    ),
    "Location": (
        _string("name"),
        *_ADDRESS,
        _token("status"),
        _reference("organization", "managingOrganization"),
    ),
    "Media": (
        *_SUBJECT,
        _token("status"),
        _token("type"),
        _token("modality"),
        _date("created", "createdDateTime", "createdPeriod"),
        _reference("encounter"),
    ),
    "Medication": (_token("code"), _token("status")),
    "MedicationDispense": (
        *_SUBJECT,
        _token("status"),
        _token("type"),
        _token("code", "medicationCodeableConcept"),
        _reference("medication", "medicationReference"),
        _reference("prescription", "authorizingPrescription"),
        _date("whenhandedover", "whenHandedOver"),
    ),
    "MedicationRequest": (
        *_SUBJECT,
        _token("status"),
        _token("intent"),
        _token("code", "medicationCodeableConcept"),
        _reference("medication", "medicationReference"),
        _date("authoredon", "authoredOn"),
        _reference("encounter"),
        _reference("requester"),
    ),
    "Observation": (
        *_SUBJECT,
        _token("category"),
        _token("code"),
        _token("status"),
        _date("date", "effectiveDateTime", "effectivePeriod"),
        _reference("encounter"),
        _reference("performer"),
    ),
    "Organization": (_string("name"), *_ADDRESS, _token("active")),
    "Patient": (
        *_NAMES,
        _token("active"),
        _token("gender"),
        _date("birthdate", "birthDate"),
        _token("telecom"),
        _string("address-postalcode", "address.postalCode"),
        _reference("general-practitioner", "generalPractitioner"),
        _reference("organization", "managingOrganization"),
    ),
    "Practitioner": (*_NAMES, _token("active")),
    "PractitionerRole": (
        _reference("practitioner"),
        _reference("organization"),
        _reference("location"),
        _token("specialty"),
        _token("role", "code"),
        _token("active"),
    ),
    "Procedure": (
        *_SUBJECT,
        _token("status"),
        _token("code"),
        _date("date", "performedDateTime", "performedPeriod"),
        _reference("encounter"),
    ),
    "Provenance": (
        _reference("target"),
        _reference("patient", "target", target="Patient"),
        _date("recorded"),
        _reference("agent", "agent.who"),
    ),
    "QuestionnaireResponse": (
        *_SUBJECT,
        _token("status"),
        _date("authored"),
        _reference("encounter"),
    ),
    "RelatedPerson": (_patient("patient"), _token("relationship"), _token("active")),
    "Schedule": (
        _reference("actor"),
        _token("active"),
        _date("date", "planningHorizon"),
        _token("service-type", "serviceType"),
        _token("specialty"),
    ),
    "ServiceRequest": (
        *_SUBJECT,
        _token("category"),
        _token("code"),
        _token("status"),
        _token("intent"),
        _date("authored", "authoredOn"),
        _reference("encounter"),
    ),
    "Task": (
        _reference("patient", "for", target="Patient"),
        _reference("subject", "for"),
        _reference("focus"),
        _reference("owner"),
        _token("status"),
        _token("code"),
        _date("authored-on", "authoredOn"),
    ),
    "Slot": (
        _reference("schedule"),
        _token("status"),
        _date("start"),
        _token("service-type", "serviceType"),
        _token("specialty"),
        _token("appointment-type", "appointmentType"),
    ),
    "Specimen": (
        *_SUBJECT,
        _token("accession", "accessionIdentifier"),
        _token("type"),
    ),
}

PARAMETERS: Mapping[str, Mapping[str, SearchParameter]] = {
    type_: {
        parameter.code: parameter
        for parameter in (*_ANY_TYPE, *(() if type_ in _UNIDENTIFIED else _IDENTIFIED), *own)
    }
    for type_, own in _BY_TYPE.items()
}
COMMON: frozenset[str] = frozenset(parameter.code for parameter in _ANY_TYPE)
