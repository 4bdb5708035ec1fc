"""Patients to put in an index."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from subgraphs.identity.model import SSN_SYSTEM, PatientResource

KEY = b"p" * 32
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def patient(id_: str = "1", **changes: object) -> PatientResource:
    """Ada Lovelace, except for the changes; None takes a field away."""
    said = {
        "given": "Ada",
        "family": "Lovelace",
        "birth_date": "1968-03-14",
        "gender": "female",
        "ssn": "999-12-3456",
        "phone": "(217) 555-0101",
        "street": "12 Maple Street",
        "zip": "62701",
        "labels": (),
        "updated": "2026-01-01T00:00:00Z",
    } | changes
    given = said["given"].split() if said["given"] else []
    name = (
        {"family": said["family"], "given": given, "suffix": [said["suffix"]]}
        if ("suffix" in said)
        else {"family": said["family"], "given": given}
    )
    wire = {
        "id": id_,
        "meta": {
            "lastUpdated": said["updated"],
            "security": [{"system": "v3", "code": label} for label in said["labels"]],
        },
        "name": [{key: value for key, value in name.items() if value}],
        "birthDate": said["birth_date"],
        "gender": said["gender"],
        "telecom": [{"system": "phone", "value": said["phone"]}] if said["phone"] else [],
        "address": [{"line": [said["street"]], "postalCode": said["zip"]}]
        if said["street"]
        else [],
        "identifier": [{"system": SSN_SYSTEM, "value": said["ssn"]}] if said["ssn"] else [],
    }
    if "card" in said:
        wire["identifier"].append({"system": "urn:card", "value": said["card"]})
    if "mrn" in said:
        wire["identifier"].append({"system": f"urn:mrn:{id_}", "value": said["mrn"]})
    return msgspec.convert(wire, PatientResource)
