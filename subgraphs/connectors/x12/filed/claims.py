"""A claim of an 837 as FHIR's Claim. https://hl7.org/fhir/R4/claim.html

What has no place of its own there stands where CARIN keeps it in an explanation of benefit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from subgraphs.connectors.x12.claim_lines import ClaimLine
from subgraphs.connectors.x12.claims import ClaimCode, ClaimKind, SubmittedClaim
from subgraphs.connectors.x12.elements import Dates
from subgraphs.connectors.x12.filed.parties import (
    ACCOUNT_SYSTEM,
    CLAIM_SYSTEM,
    Names,
    Resource,
    filled,
    party_reference,
)
from subgraphs.connectors.x12.procedures import Procedure

ORIGIN: Final = "urn:chartgraph:x12:"
"""Before the kind of transaction in `meta.source`: `urn:chartgraph:x12:837`."""
VOID: Final = "8"
_HL7: Final = "http://terminology.hl7.org/CodeSystem/"
_CARIN: Final = "http://hl7.org/fhir/us/carin-bb/CodeSystem/"
_ICD_10, _ICD_9 = "http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-9-cm"
_ICD_10_PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
_CPT, _HCPCS = (
    "http://www.ama-assn.org/go/cpt",
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
)
_NDC, _REVENUE = "http://hl7.org/fhir/sid/ndc", "https://www.nubc.org/CodeSystem/RevenueCodes"
_UNITS: Final = {"MJ": "min", "DA": "d", "UN": "1", "ML": "mL", "GR": "g", "ME": "mg"}
_ROLES: Final = {
    "82": "rendering",
    "DN": "referring",
    "71": "attending",
    "72": "operating",
    "DQ": "supervisor",
    "ZZ": "otheroperating",
    "DK": "prescribing",
}
_USES: Final = {"K": "principal", "J": "admitting", "F": "secondary", "R": "patientreasonforvisit"}


def claim_resources(claim: SubmittedClaim, sent_at: str, names: Names) -> list[Resource]:
    """The patient and the claim; nothing where it has no member number."""
    patient = names.patient(claim.payer, claim.patient, claim.subscriber)
    if patient is None or claim.patient is None:
        return []
    person = names.patient_resource(
        patient, claim.payer, claim.patient, claim.subscriber, sent_at or None
    )
    return [person, _claim(claim, patient, sent_at, names)]


def _claim(claim: SubmittedClaim, patient: str, sent_at: str, names: Names) -> Resource:
    payer = names.payer(claim.payer)
    served = _period(claim.statement) or _span(claim.lines)
    # Some send one account's number with every claim; sent again, a claim is of the same day.
    key = (
        claim.billing.id if claim.billing else "",
        claim.account,
        claim.frequency,
        served["start"] if served else "",
    )
    team = [party for party in claim.providers if party.role in _ROLES]
    return filled(
        resourceType="Claim",
        id=names.name("claim", payer, *key, claim.payer_claim),
        meta=filled(lastUpdated=sent_at, source=f"{ORIGIN}837"),
        identifier=[{"system": ACCOUNT_SYSTEM + payer, "value": claim.account}],
        status="cancelled" if claim.frequency == VOID else "active",
        type=_concept(f"{_HL7}claim-type", claim.kind.value),
        use="claim",
        patient={"reference": f"Patient/{patient}"},
        billablePeriod=served,
        created=sent_at[:10],
        insurer=party_reference(claim.payer),
        provider=party_reference(claim.billing),
        priority=_concept(f"{_HL7}processpriority", "normal"),
        related=_related(claim, payer),
        careTeam=[
            {
                "sequence": place,
                "provider": party_reference(party),
                "role": _concept(f"{_CARIN}C4BBClaimCareTeamRole", _ROLES[party.role]),
            }
            for place, party in enumerate(team, 1)
        ],
        supportingInfo=list(_supporting(claim)),
        diagnosis=[_diagnosis(place, code) for place, code in enumerate(claim.diagnoses, 1)],
        procedure=[
            {"sequence": place, "procedureCodeableConcept": _icd_procedure(code)}
            for place, code in enumerate(claim.procedures, 1)
        ],
        insurance=list(_insurance(claim)),
        item=[_item(place, line) for place, line in enumerate(claim.lines, 1)],
        total=money(claim.charged),
    )


def money(amount: Decimal | None) -> Resource | None:
    return None if amount is None else {"value": amount, "currency": "USD"}


def procedure_concept(procedure: Procedure | None) -> Resource | None:
    if procedure is None or not procedure.code:
        return None
    if procedure.kind == "HC":
        is_cpt = procedure.code[:4].isdecimal()
        return _concept(_CPT if is_cpt else _HCPCS, procedure.code)
    if procedure.kind in ("NU", "N4"):
        return _concept(_REVENUE if procedure.kind == "NU" else _NDC, procedure.code)
    return {"coding": [{"code": procedure.code}]}


def _related(claim: SubmittedClaim, payer: str) -> list[Resource]:
    if not claim.payer_claim:
        return []
    return [
        {
            "relationship": _concept(f"{_HL7}ex-relatedclaimrelationship", "prior"),
            "reference": {"system": CLAIM_SYSTEM + payer, "value": claim.payer_claim},
        }
    ]


def _supporting(claim: SubmittedClaim) -> Iterator[Resource]:
    institutional = claim.kind is ClaimKind.INSTITUTIONAL
    place = "typeofbill" if institutional else "placeofservice"
    code = f"{claim.facility}{claim.frequency}" if institutional else claim.facility
    told = (("claimfrequency", claim.frequency), (place, code))
    for sequence, (category, value) in enumerate(((c, v) for c, v in told if v), 1):
        yield {
            "sequence": sequence,
            "category": _concept(f"{_CARIN}C4BBSupportingInfoType", category),
            "code": {"coding": [{"code": value}]},
        }


def _insurance(claim: SubmittedClaim) -> Iterator[Resource]:
    plan = claim.payer.name if claim.payer else ""
    yield filled(
        sequence=1,
        focal=True,
        coverage=filled(display=" ".join(part for part in (plan, claim.group) if part)),
        preAuthRef=[claim.authorization] if claim.authorization else None,
    )
    for sequence, other in enumerate(claim.other_payers, 2):
        name = other.payer.name if other.payer else ""
        yield filled(sequence=sequence, focal=False, coverage=filled(display=name))


def _diagnosis(sequence: int, code: ClaimCode) -> Resource:
    is_icd_10 = len(code.use) == len("ABK") or code.use == "APR"
    use = _USES.get(code.use[-1])
    return filled(
        sequence=sequence,
        diagnosisCodeableConcept=_concept(
            _ICD_10 if is_icd_10 else _ICD_9, dotted(code.code, is_icd_10=is_icd_10)
        ),
        type=[_concept(f"{_CARIN}C4BBClaimDiagnosisType", use)] if use else None,
    )


def dotted(code: str, *, is_icd_10: bool) -> str:
    """As the classification writes it: `E119` is E11.9, and ICD-9's `E8888` E888.8."""
    before = 4 if not is_icd_10 and code[:1] == "E" else 3
    plain = code.replace(".", "")
    return f"{plain[:before]}.{plain[before:]}" if len(plain) > before else plain


def _icd_procedure(code: ClaimCode) -> Resource:
    return _concept(_ICD_10_PCS if code.use.startswith("BB") else _ICD_9, code.code)


def _item(sequence: int, line: ClaimLine) -> Resource:
    modifiers = line.procedure.modifiers if line.procedure else ()
    drug = line.drug
    return filled(
        sequence=sequence,
        diagnosisSequence=list(line.diagnoses),
        revenue=_concept(_REVENUE, line.revenue_code) if line.revenue_code else None,
        productOrService=procedure_concept(line.procedure)
        or {"coding": [{"system": f"{_HL7}data-absent-reason", "code": "not-applicable"}]},
        modifier=[{"coding": [{"code": each}]} for each in modifiers],
        servicedPeriod=_period(line.dates),
        quantity=_quantity(line.quantity, line.unit),
        net=money(line.charged),
        detail=[
            filled(
                sequence=1,
                productOrService=_concept(_NDC, drug.ndc),
                quantity=_quantity(drug.quantity, drug.unit),
            )
        ]
        if drug
        else None,
    )


def _quantity(value: Decimal | None, unit: str) -> Resource | None:
    if value is None:
        return None
    ucum = _UNITS.get(unit)
    coded = {"system": "http://unitsofmeasure.org", "code": ucum} if ucum else {}
    return filled(value=value, unit=unit, **coded)


def _period(dates: Dates | None) -> Resource | None:
    if dates is None:
        return None
    return {"start": dates.start.isoformat(), "end": dates.end.isoformat()}


def _span(lines: Iterable[ClaimLine]) -> Resource | None:
    """From the first service to the last."""
    known = [line.dates for line in lines if line.dates]
    if not known:
        return None
    return _period(Dates(min(d.start for d in known), max(d.end for d in known)))


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}
