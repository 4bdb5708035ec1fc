"""FHIR datatypes in one line each, and the systems their codes come from."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

Resource: TypeAlias = dict[str, Any]
Reference: TypeAlias = dict[str, str]

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
CVX = "http://hl7.org/fhir/sid/cvx"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
NPI = "http://hl7.org/fhir/sid/us-npi"
SSN = "http://hl7.org/fhir/sid/us-ssn"
NUCC = "http://nucc.org/provider-taxonomy"
HL7 = "http://terminology.hl7.org/CodeSystem/"
ACT_CODE = HL7 + "v3-ActCode"
CONFIDENTIALITY = HL7 + "v3-Confidentiality"


class Coded(NamedTuple):
    system: str
    code: str
    display: str


def coding(coded: Coded) -> dict[str, str]:
    return coded._asdict()


def concept(*coded: Coded) -> dict[str, Any]:
    """The same thing said in one or more systems; the first one's words are the text."""
    return {"coding": [coding(each) for each in coded], "text": coded[0].display}


def hl7_concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    """A code of one of HL7's own systems, named by the last part of its address."""
    said = {"display": display} if display else {}
    return {"coding": [{"system": HL7 + system, "code": code, **said}]}


def quantity(value: Decimal, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def money(cents: int) -> dict[str, Any]:
    return {"value": Decimal(cents) / 100, "currency": "USD"}


def instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def npi_identifier(number: str) -> dict[str, str]:
    return {"system": NPI, "value": number}


def npi(serial: int) -> str:
    """A National Provider Identifier: nine digits and their check."""
    body = f"1{999_000_00 + serial:08d}"
    return body + npi_check_digit(body)


def npi_check_digit(body: str) -> str:
    """Luhn's, over the nine digits behind `80840`.

    https://www.cms.gov/Regulations-and-Guidance/Administrative-Simplification/NationalProvIdentStand
    """
    total = 0
    for place, digit in enumerate(reversed("80840" + body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += sum(divmod(doubled, 10))
    return str(-total % 10)
