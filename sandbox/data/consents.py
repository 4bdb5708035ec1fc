"""What patients signed on paper, for whoever keeps consents to write down: no EHR here does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from sandbox.data.shapes import Resource

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


def sign_consents(
    source: str, resources: Iterable[Resource], organization: str
) -> tuple[SignedConsent, ...]:
    """By the first patients of whom the source holds such conditions."""
    treated = dict.fromkeys(
        resource["subject"]["reference"].removeprefix("Patient/")
        for resource in resources
        if resource["resourceType"] == "Condition"
        and any(label["code"] == _PART_2 for label in resource["meta"].get("security", ()))
    )
    return tuple(
        SignedConsent(source, patient, organization, _PART_2, is_revoked=bool(place))
        for place, patient in enumerate(islice(treated, _SIGNED))
    )
