"""A consent as the FHIR resource it is, to be held against the standard before it is kept.

https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import msgspec

from subgraphs.connectors.fhir.conformance import nonconforming_elements
from subgraphs.governance.model import Consent
from subgraphs.runtime.consent import Provision
from subgraphs.runtime.crosswalk import Link

Json: TypeAlias = dict[str, Any]

_THO: Final = "http://terminology.hl7.org/CodeSystem"
ACT_CODE: Final = f"{_THO}/v3-ActCode"
CONFIDENTIALITY: Final = f"{_THO}/v3-Confidentiality"
ACT_REASON: Final = f"{_THO}/v3-ActReason"
RESOURCE_TYPES: Final = "http://hl7.org/fhir/resource-types"
_OURS: Final = "urn:chartgraph"
"""Of roles, clients, sources and patients, which have a name here and no resource."""
_ACTORS: Final = {
    "organization": "Organization",
    "practitioner": "Practitioner",
    "related-person": "RelatedPerson",
    "care-team": "CareTeam",
    "client": "Device",
    "role": "Group",
}


def consent_resource(consent: Consent) -> Json:
    permits = consent.provision.permits
    recorded = datetime.fromtimestamp(consent.recorded_at, UTC).isoformat(timespec="seconds")
    return {
        "resourceType": "Consent",
        "id": consent.id,
        "meta": {"versionId": str(consent.version)},
        "status": consent.status.value,
        "scope": _concept(f"{_THO}/consentscope", "patient-privacy"),
        "category": [_concept("http://loinc.org", "59284-0")],
        "patient": _named("patient", "Patient", _reference(consent.patient)),
        "dateTime": recorded,
        # https://hl7.org/fhir/R4/consent.html#ppc-1: what holds where the provision says nothing.
        "policyRule": _concept(ACT_CODE, "OPTIN" if permits else "OPTOUT"),
        "provision": _provision(consent.provision),
    }


def nonconforming(consent: Consent) -> tuple[str, ...]:
    """Paths of what is not valid FHIR R4, without values."""
    return nonconforming_elements("Consent", msgspec.json.encode(consent_resource(consent)))


def label_system(code: str) -> str:
    return CONFIDENTIALITY if code in {"R", "V"} else ACT_CODE


def split_code(code: str) -> tuple[str | None, str]:
    system, bar, bare = code.rpartition("|")
    return (system or None, bare) if bar else (None, code)


def _provision(provision: Provision) -> Json:
    content: Json = {"type": "permit" if provision.permits else "deny"}
    period = {"start": provision.start, "end": provision.end}
    parts: Json = {
        "period": {name: value for name, value in period.items() if value},
        "actor": [*_recipients(provision.recipients), *_custodians(provision.custodians)],
        "purpose": [_coding(ACT_REASON, code) for code in provision.purposes],
        "securityLabel": [_coding(label_system(code), code) for code in provision.labels],
        "class": [_coding(RESOURCE_TYPES, code) for code in provision.types],
        "code": [{"coding": [_coding(*split_code(code))]} for code in provision.codes],
        "provision": [_provision(each) for each in provision.exceptions],
    }
    return content | {name: value for name, value in parts.items() if value}


def _recipients(keys: Iterable[str]) -> list[Json]:
    split = (key.partition("|") for key in keys)
    return [_actor("IRCP", _named(kind, _ACTORS[kind], value)) for kind, _, value in split]


def _custodians(sources: Iterable[str]) -> list[Json]:
    return [_actor("CST", _named("source", "Organization", source)) for source in sources]


def _actor(role: str, reference: Json) -> Json:
    return {"role": _concept(f"{_THO}/v3-ParticipationType", role), "reference": reference}


def _named(kind: str, type_: str, value: str) -> Json:
    return {"type": type_, "identifier": {"system": f"{_OURS}:{kind}", "value": value}}


def _reference(link: Link) -> str:
    return f"{link.source}/Patient/{link.id}"


def _concept(system: str, code: str) -> Json:
    return {"coding": [_coding(system, code)]}


def _coding(system: str | None, code: str) -> Json:
    return {"system": system, "code": code} if system else {"code": code}
