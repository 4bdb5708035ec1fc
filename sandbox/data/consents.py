"""What patients signed: on paper, for whoever keeps consents to write down, and at an EHR.

https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sandbox.data.shapes import ACT_CODE, HL7, Reference, Resource, hl7_concept, instant
from sandbox.data.source import SourceBuilder

RECOVERY = "https://stillwater-recovery.example"
"""An organization that treats addiction, as tokens name it."""
_PART_2 = "42CFRPart2"
_SIGNED = 2
"""The one that stands, and the one that was revoked."""


@dataclass(frozen=True, slots=True)
class SignedConsent:
    """That an organization may see what 42 CFR Part 2 protects, for treatment."""

    source: str
    patient: str
    organization: str
    label: str
    is_revoked: bool


def sign_consents(source: str, resources: Iterable[Resource]) -> tuple[SignedConsent, ...]:
    """By the first patients of whom the source holds such conditions."""
    return tuple(
        SignedConsent(source, patient, RECOVERY, _PART_2, is_revoked=bool(place))
        for place, patient in enumerate(islice(_treated(resources), _SIGNED))
    )


def record_consents(
    source: SourceBuilder, known_elsewhere: Collection[str], today: datetime
) -> None:
    """An EHR keeps two: one patient lets an organization see what is protected, one nothing."""
    treated = [each for each in _treated(source.resources) if each not in known_elsewhere]
    others = (
        resource["subject"]["reference"].removeprefix("Patient/")
        for resource in source.resources
        if resource["resourceType"] == "Condition"
    )
    other = next(each for each in others if each not in (*known_elsewhere, *treated))
    to = {
        "role": hl7_concept("v3-ParticipationType", "IRCP"),
        "reference": {
            "type": "Organization",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": RECOVERY},
        },
    }
    treating = [{"system": HL7 + "v3-ActReason", "code": "TREAT"}]
    protected = [{"system": ACT_CODE, "code": _PART_2}]
    rules = (
        {"type": "permit", "actor": [to], "purpose": treating, "securityLabel": protected},
        {"type": "deny", "actor": [to]},
    )
    # Of few patients none may be treated.
    said = [*((patient, rules[0]) for patient in treated[:1]), (other, rules[1])]
    for patient, rule in said:
        _record(source, {"reference": f"Patient/{patient}"}, rule, today)


def record_research_opt_out(source: SourceBuilder, patient: Reference, today: datetime) -> None:
    research = [{"system": HL7 + "v3-ActReason", "code": "HRESCH"}]
    _record(source, patient, {"type": "deny", "purpose": research}, today)


def _record(
    source: SourceBuilder, patient: Reference, rule: dict[str, Any], today: datetime
) -> None:
    source.add(
        "Consent",
        (patient["reference"],),
        today,
        status="active",
        scope=hl7_concept("consentscope", "patient-privacy"),
        category=[{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        patient=patient,
        dateTime=instant(today),
        policyRule=hl7_concept("v3-ActCode", "OPTIN"),
        provision=rule,
    )


def _treated(resources: Iterable[Resource]) -> Iterable[str]:
    return dict.fromkeys(
        resource["subject"]["reference"].removeprefix("Patient/")
        for resource in resources
        if resource["resourceType"] == "Condition"
        and any(label["code"] == _PART_2 for label in resource["meta"].get("security", ()))
    )
