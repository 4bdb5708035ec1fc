"""A record as the FHIR AuditEvents of IHE's Basic Audit Log Patterns.

One operation is one Query event, and one PatientRead event for each patient whose records were read
for it. https://profiles.ihe.net/ITI/BALP/content.html
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeAlias

from contract.context import Caller
from gateway.audit.record import AuditRecord

AuditEvent: TypeAlias = dict[str, Any]

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_EVENT_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_INTERACTION = "http://hl7.org/fhir/restful-interaction"
_ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_BALP = "https://profiles.ihe.net/ITI/BALP"
_BALP_TRANSACTION = f"{_BALP}/CodeSystem/BasicAuditEntityType"
_QUERY = f"{_BALP}/StructureDefinition/IHE.BasicAudit.Query"
_PATIENT_READ = f"{_BALP}/StructureDefinition/IHE.BasicAudit.PatientRead"

GATEWAY = "chartgraph-gateway"


def audit_events(record: AuditRecord) -> Iterator[AuditEvent]:
    yield _event(record, _QUERY, "search", "E", [_query(record), _transaction(record)])
    for patient in record.patients:
        entities = [_patient(patient), _transaction(record)]
        yield _event(record, _PATIENT_READ, "read", "R", entities)


def _event(
    record: AuditRecord, profile: str, interaction: str, action: str, entities: list[AuditEvent]
) -> AuditEvent:
    recorded = datetime.fromtimestamp(record.recorded_at, UTC).isoformat(timespec="milliseconds")
    return {
        "resourceType": "AuditEvent",
        "meta": {"profile": [profile]},
        "type": _coding(_EVENT_TYPE, "rest", "RESTful Operation"),
        "subtype": [_coding(_INTERACTION, interaction)],
        "action": action,
        "recorded": recorded,
        # An answer that lacks a field or a record was still given: that is no failure.
        "outcome": "0",
        "agent": _agents(record.caller),
        "source": {"observer": _named(GATEWAY)},
        "entity": entities,
    }


def _agents(caller: Caller | None) -> list[AuditEvent]:
    source = {
        "type": {"coding": [_coding(_DCM, "110153", "Source Role ID")]},
        "who": _named(GATEWAY),
        "requestor": False,
    }
    destination = {
        "type": {"coding": [_coding(_DCM, "110152", "Destination Role ID")]},
        "who": _named(caller.client_id if caller and caller.client_id else "unknown"),
        "requestor": caller is None,
    }
    return [source, destination, *([_user(caller)] if caller else [])]


def _user(caller: Caller) -> AuditEvent:
    """https://profiles.ihe.net/ITI/BALP/StructureDefinition-IHE.BasicAudit.OAUTHaccessTokenUse.Minimal.html"""
    identifier = {"value": caller.subject} | ({"system": caller.issuer} if caller.issuer else {})
    user: AuditEvent = {
        "type": {"coding": [_coding(_PARTICIPATION, "IRCP", "information recipient")]},
        "who": {"identifier": identifier},
        "requestor": True,
        "purposeOfUse": [{"coding": [_coding(_REASON, caller.purpose)]}],
    }
    if caller.token_id:
        user["policy"] = [caller.token_id]
    if caller.roles:
        user["role"] = [{"text": role} for role in caller.roles]
    return user


def _query(record: AuditRecord) -> AuditEvent:
    entity: AuditEvent = {
        "type": _coding(_ENTITY_TYPE, "2", "System Object"),
        "role": _coding(_ROLE, "24", "Query"),
        "query": base64.b64encode(record.request.encode()).decode(),
    }
    details = {
        "operation": record.operation_name,
        "documentSha256": record.operation_hash,
        "deniedFields": " ".join(record.denials),
        "withheld": " ".join(sorted({f"{each.type}:{each.reason}" for each in record.refusals})),
        "errorCodes": " ".join(record.codes),
    }
    entity["detail"] = [
        {"type": name, "valueString": value} for name, value in details.items() if value
    ]
    return entity


def _patient(patient: str) -> AuditEvent:
    return {
        "what": {"identifier": {"value": patient}, "type": "Patient"},
        "type": _coding(_ENTITY_TYPE, "1", "Person"),
        "role": _coding(_ROLE, "1", "Patient"),
    }


def _transaction(record: AuditRecord) -> AuditEvent:
    return {
        "what": {"identifier": {"value": record.request_id}},
        "type": _coding(_BALP_TRANSACTION, "XrequestId"),
    }


def _named(name: str) -> AuditEvent:
    return {"display": name}


def _coding(system: str, code: str, display: str | None = None) -> AuditEvent:
    return {"system": system, "code": code} | ({"display": display} if display else {})
