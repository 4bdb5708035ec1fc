"""A record as the FHIR AuditEvents of IHE's Basic Audit Log Patterns.

One operation is one Query event, and one PatientRead event for each patient whose records were read
for it. https://profiles.ihe.net/ITI/BALP/content.html
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeAlias

from contract.audit_record import AuditRecord
from contract.context import Caller

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

_USER_AGENT = f"{_BALP}/CodeSystem/UserAgentTypes"

GATEWAY = "chartgraph-gateway"


def _coding(system: str, code: str, display: str | None = None) -> AuditEvent:
    return {"system": system, "code": code} | ({"display": display} if display else {})


_SOURCE = _coding(_DCM, "110153", "Source Role ID")
_DESTINATION = _coding(_DCM, "110152", "Destination Role ID")


def audit_events(record: AuditRecord) -> Iterator[AuditEvent]:
    entities = [_query(record), _transaction(record)]
    # Who asks is the source of a query, and the destination of what is read.
    yield _event(record, _QUERY, ("search", "E"), _agents(record, _SOURCE, _DESTINATION), entities)
    for patient in record.patients:
        entities = [_patient(patient), _records(), _transaction(record)]
        agents = _agents(record, _DESTINATION, _SOURCE)
        yield _event(record, _PATIENT_READ, ("read", "R"), agents, entities)


def _event(
    record: AuditRecord,
    profile: str,
    interaction: tuple[str, str],
    agents: list[AuditEvent],
    entities: list[AuditEvent],
) -> AuditEvent:
    name, action = interaction
    recorded = datetime.fromtimestamp(record.recorded_at, UTC).isoformat(timespec="milliseconds")
    return {
        "resourceType": "AuditEvent",
        "meta": {"profile": [profile]},
        "type": _coding(_EVENT_TYPE, "rest", "RESTful Operation"),
        "subtype": [_coding(_INTERACTION, name)],
        "action": action,
        "recorded": recorded,
        # An answer that lacks a field or a record was still given: that is no failure.
        "outcome": "0",
        "agent": agents,
        "source": {"observer": _named(GATEWAY)},
        "entity": entities,
    }


def _agents(record: AuditRecord, client: AuditEvent, server: AuditEvent) -> list[AuditEvent]:
    caller = record.caller
    asking = {
        "type": {"coding": [client]},
        "who": _named(caller.client_id if caller and caller.client_id else "unknown"),
        "requestor": caller is None,
    }
    answering = {"type": {"coding": [server]}, "who": _named(GATEWAY), "requestor": False}
    return [asking, answering, *([_user(caller)] if caller else [])]


def _user(caller: Caller) -> AuditEvent:
    identifier = {"value": caller.subject} | ({"system": caller.issuer} if caller.issuer else {})
    user: AuditEvent = {
        "type": {
            "coding": [
                _coding(_PARTICIPATION, "IRCP", "information recipient"),
                _coding(_USER_AGENT, "UserOauthAgent"),
            ]
        },
        "who": {"identifier": identifier},
        "requestor": True,
        "purposeOfUse": [{"coding": [_coding(_REASON, caller.purpose)]}],
    }
    if caller.token_id:
        user["policy"] = [f"urn:ietf:params:oauth:jti:{caller.token_id}"]
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
        "breakGlass": " ".join(sorted({each.grant for each in record.broken})),
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


def _records() -> AuditEvent:
    """Which records they were is in the sources' own trails; nothing of them is repeated here."""
    return {
        "what": {"display": "records of this patient, from the sources of the graph"},
        "type": _coding(_ENTITY_TYPE, "2", "System Object"),
        "role": _coding(_ROLE, "4", "Domain Resource"),
    }


def _transaction(record: AuditRecord) -> AuditEvent:
    return {
        "what": {"identifier": {"value": record.request_id}},
        "type": _coding(_BALP_TRANSACTION, "XrequestId"),
    }


def _named(name: str) -> AuditEvent:
    return {"display": name}
