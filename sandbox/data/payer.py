"""The payer's side: members, claims, and explanations of benefit that add up.

Deductible and out-of-pocket are counted once, by `Accumulator`; the explanations of benefit and the
eligibility answers (X12 271) both come of it, and so agree. Amounts are whole cents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.data.chart import Chart, Visit
from sandbox.data.claim_files import Biller, FiledClaim, Share
from sandbox.data.codes import CHECKUP, CLINIC_SERVICE, TELEHEALTH_SERVICE
from sandbox.data.directory import Site
from sandbox.data.people import Person
from sandbox.data.seeds import stream
from sandbox.data.shapes import (
    ACT_CODE,
    Coded,
    Reference,
    concept,
    hl7_concept,
    instant,
    money,
    npi_identifier,
)
from sandbox.data.source import SourceBuilder

PLAN_NAME = "Meadow PPO 1500"
PLAN_CODE = "PPO-1500"
DEDUCTIBLE = 1500_00
OUT_OF_POCKET_LIMIT = 5000_00
COPAY = 25_00
_CARIN = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication"
_CLAIM_LAG = timedelta(days=2)
_DECISION_LAG = timedelta(days=9)


@dataclass(slots=True)
class Accumulator:
    """What one member has met in one plan year, which is the calendar year."""

    deductible_met: int = 0
    out_of_pocket_met: int = 0

    def divide(self, allowed: int) -> Share:
        left = OUT_OF_POCKET_LIMIT - self.out_of_pocket_met
        deductible = min(allowed, DEDUCTIBLE - self.deductible_met)
        copay = min(COPAY, allowed - deductible, left - deductible)
        coinsurance = min((allowed - deductible - copay) // 5, left - deductible - copay)
        benefit = allowed - deductible - copay - coinsurance
        self.deductible_met += deductible
        self.out_of_pocket_met += allowed - benefit
        return Share(deductible, copay, coinsurance, benefit)


@dataclass(frozen=True, slots=True)
class Member:
    """What the eligibility desk knows: the answer to a 270."""

    member_id: str
    family: str
    given: str
    gender: str
    birth_date: date
    street: str
    city: str
    state: str
    zip: str
    active: bool
    since: date
    until: date | None
    met: Accumulator


@dataclass(frozen=True, slots=True)
class Billing:
    """One member's claims as they are written down, oldest first."""

    source: SourceBuilder
    person: Person
    member_id: str
    patient: Reference
    insurer: Reference
    providers: Sequence[tuple[Reference, Biller]]  # who had the visits, in turn
    coverage: Reference
    years: dict[int, Accumulator] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return self.person.number


def member_id(source: SourceBuilder, person: Person) -> str:
    return "M" + source.number(9, "member", person.number)


def record_insurer(source: SourceBuilder, today: datetime) -> Reference:
    return source.add(
        "Organization",
        ("insurer",),
        today - timedelta(days=2000),
        active=True,
        name="Meadow Mutual",
        type=[hl7_concept("organization-type", "ins", "Insurance Company")],
    )


def record_provider(source: SourceBuilder, site: Site, today: datetime) -> Reference:
    return source.add(
        "Organization",
        ("provider", site.title),
        today - timedelta(days=2000),
        active=True,
        name=site.title,
        identifier=[npi_identifier(site.npi)],
        type=[hl7_concept("organization-type", "prov", "Healthcare Provider")],
    )


def record_coverage(
    source: SourceBuilder, person: Person, patient: Reference, insurer: Reference, today: date
) -> tuple[Reference, Member]:
    """Every thirteenth member has left, at the end of last year."""
    number = member_id(source, person)
    active = person.number % 13 != 12  # noqa: PLR2004 - the last of each thirteen
    since = date(today.year - 3, 1, 1)
    until = None if active else date(today.year - 1, 12, 31)
    period = {"start": since.isoformat(), **({"end": until.isoformat()} if until else {})}
    reference = source.add(
        "Coverage",
        (person.number,),
        datetime.fromisoformat(f"{until or since}T12:00:00+00:00"),
        status="active" if active else "cancelled",
        type={"coding": [{"system": ACT_CODE, "code": "HIP"}], "text": "health insurance plan"},
        subscriber=patient,
        subscriberId=number,
        identifier=[
            {
                "type": hl7_concept("v2-0203", "MB", "Member Number"),
                "system": "https://payer.example/member",
                "value": number,
            }
        ],
        beneficiary=patient,
        relationship=hl7_concept("subscriber-relationship", "self"),
        period=period,
        payor=[insurer],
        class_=[
            {
                "type": hl7_concept("coverage-class", "plan"),
                "value": PLAN_CODE,
                "name": PLAN_NAME,
            }
        ],
    )
    member = Member(
        member_id=number,
        family=person.family,
        given=person.given,
        gender=person.gender,
        birth_date=person.birth_date,
        street=person.street,
        city=person.city.name,
        state=person.city.state,
        zip=person.city.zip,
        active=active,
        since=since,
        until=until,
        met=Accumulator(),
    )
    return reference, member


def account_number(source: SourceBuilder, person: int, visit: int) -> str:
    """The provider's own number of a visit, which the claim for it carries."""
    return "A" + source.shared_number(9, "account", person, visit)


def record_claims(
    billing: Billing, chart: Chart, seed: int, until: date | None
) -> list[FiledClaim]:
    """A visit after the coverage ended was not this payer's to pay."""
    filed = []
    rng = stream(seed, "claims", billing.number)
    for visit in chart.visits:
        submitted = rng.randint(110, 480) * 100 + rng.randrange(0, 100, 5)
        if until is None or visit.start.date() <= until:
            filed.append(_record_claim(billing, visit, submitted))
    return filed


def _record_claim(billing: Billing, visit: Visit, submitted: int) -> FiledClaim:
    day = visit.start.date()
    allowed = submitted * 7 // 10
    share = billing.years.setdefault(day.year, Accumulator()).divide(allowed)
    service = TELEHEALTH_SERVICE if visit.virtual else CLINIC_SERVICE
    item = {
        "sequence": 1,
        "productOrService": concept(service),
        "servicedDate": day.isoformat(),
        "diagnosisSequence": [1],
    }
    provider, biller = billing.providers[visit.number % len(billing.providers)]
    account = account_number(billing.source, billing.number, visit.number)
    shared = {
        "status": "active",
        "type": hl7_concept("claim-type", "professional"),
        "use": "claim",
        "patient": billing.patient,
        "billablePeriod": {"start": day.isoformat(), "end": day.isoformat()},
        "insurer": billing.insurer,
        "provider": provider,
        "diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": concept(_reason(visit))}],
    }
    key = (billing.number, visit.number)
    number = billing.source.number(10, "claim", *key)
    claim = billing.source.add(
        "Claim",
        key,
        visit.start + _CLAIM_LAG,
        visit.sensitivity,
        **shared,
        identifier=[
            {
                "type": hl7_concept("v2-0203", "AN", "Account number"),
                "system": f"https://{biller.source}.example/account",
                "value": account,
            }
        ],
        created=instant(visit.start + _CLAIM_LAG),
        priority=hl7_concept("processpriority", "normal"),
        insurance=[{"sequence": 1, "focal": True, "coverage": billing.coverage}],
        item=[{**item, "net": money(submitted)}],
        total=money(submitted),
    )
    amounts = _adjudication(submitted, allowed, share)
    decided = visit.start + _DECISION_LAG
    billing.source.add(
        "ExplanationOfBenefit",
        key,
        decided,
        visit.sensitivity,
        **shared,
        identifier=[
            {
                "type": {"coding": [_UNIQUE_CLAIM]},
                "system": "https://payer.example/claim",
                "value": number,
            }
        ],
        created=instant(decided),
        claim=claim,
        outcome="complete",
        insurance=[{"focal": True, "coverage": billing.coverage}],
        item=[{**item, "adjudication": amounts}],
        total=amounts,
        payment={"amount": money(share.benefit), "date": decided.date().isoformat()},
        supportingInfo=[
            {
                "sequence": 1,
                "category": {"coding": [_ACCOUNT_NUMBER]},
                "valueString": account,
            }
        ],
    )
    return FiledClaim(
        account=account,
        number=number,
        member_id=billing.member_id,
        person=billing.person,
        biller=biller,
        day=day,
        service=service.code,
        reason=_reason(visit).code,
        sensitive=visit.sensitivity is not None,
        submitted=submitted,
        allowed=allowed,
        share=share,
        submitted_at=visit.start + _CLAIM_LAG,
        decided_at=decided,
    )


_ACCOUNT_NUMBER = {
    "system": "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBSupportingInfoType",
    "code": "patientaccountnumber",
}
_UNIQUE_CLAIM = {
    "system": "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType",
    "code": "uc",
}


def _adjudication(submitted: int, allowed: int, share: Share) -> list[dict[str, Any]]:
    standard = {
        "submitted": submitted,
        "eligible": allowed,
        "deductible": share.deductible,
        "copay": share.copay,
        "benefit": share.benefit,
    }
    carin = {"coinsurance": share.coinsurance, "memberliability": share.member}
    return [
        *(
            {"category": hl7_concept("adjudication", code), "amount": money(cents)}
            for code, cents in standard.items()
        ),
        *(
            {"category": {"coding": [{"system": _CARIN, "code": code}]}, "amount": money(cents)}
            for code, cents in carin.items()
        ),
    ]


def _reason(visit: Visit) -> Coded:
    return visit.active[0].problem.icd if visit.active else CHECKUP
