"""Read remittance advice: 835, implementation guide 005010X221A1.

An 835 must balance, on three levels (front matter, section 1.10.2): what is charged for a service,
less its adjustments, is what is paid for it; likewise for the claim, whose adjustments are its own
and its services'; and what is paid for all claims, less the provider's adjustments, is the payment.
Where it does not, that is told beside what was read: money that moved is not left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.x12.elements import (
    Party,
    in_role,
    parse_decimal,
    read_amount,
    read_date,
    read_decimal,
    read_party,
)
from subgraphs.connectors.x12.procedures import Procedure, read_procedure
from subgraphs.connectors.x12.segments import Segment, TransactionSet, split_at

# CAS: up to six of reason, amount and quantity. PLB: up to six of reason and amount.
_CAS_PLACES, _PLB_PLACES = range(2, 20, 3), range(3, 15, 2)
_REVERSAL = "22"
# What stands between claims and belongs to none of them.
_BETWEEN = frozenset({"PLB", "LX", "TS2", "TS3"})
_DATED = {"BPR": 16, "DTM": 2}


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Why less was paid than charged. https://x12.org/codes/claim-adjustment-reason-codes"""

    group: str
    """CO contractual, PR the patient's to pay, OA other, PI the payer's own."""
    reason: str
    amount: Decimal
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ServicePayment:
    """One SVC loop."""

    procedure: Procedure
    charged: Decimal
    paid: Decimal
    units: Decimal | None
    date: date | None
    """The first day of service."""
    adjustments: tuple[Adjustment, ...]


@dataclass(frozen=True, slots=True)
class ClaimPayment:
    """One CLP loop."""

    account: str
    """The provider's own number of the claim, as its 837 gave it (CLM01)."""
    status: str
    """CLP02: 1 as primary, 2 as secondary, 3 as tertiary, 4 denied, 22 reversal, …"""
    charged: Decimal
    paid: Decimal
    patient_owes: Decimal
    payer_claim: str
    patient: Party | None
    subscriber: Party | None
    """Where somebody else than the patient is insured."""
    provider: Party | None
    """Who rendered the service."""
    dates: tuple[date, ...]
    """The claim's own statement period: its first and last day, or what is known of them."""
    adjustments: tuple[Adjustment, ...]
    services: tuple[ServicePayment, ...]

    @property
    def is_reversal(self) -> bool:
        return self.status == _REVERSAL

    @property
    def every_adjustment(self) -> tuple[Adjustment, ...]:
        """The claim's own and its services'."""
        return (*self.adjustments, *(a for each in self.services for a in each.adjustments))


@dataclass(frozen=True, slots=True)
class ProviderAdjustment:
    """Part of a PLB: money that moves beside the claims. A positive amount lessens the payment."""

    provider: str
    reason: str
    """WO overpayment recovery, L6 interest, FB balance forward, …"""
    reference: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Remittance:
    trace: str
    """The check's or the transfer's number (TRN02)."""
    amount: Decimal
    method: str
    """BPR04: CHK check, ACH, FWT wire, NON no payment, …"""
    paid_on: date | None
    payer: Party | None
    payee: Party | None
    claims: tuple[ClaimPayment, ...]
    adjustments: tuple[ProviderAdjustment, ...]
    imbalances: tuple[str, ...]
    """Each sum that does not come out, in a sentence; empty where all balances."""
    unreadable: tuple[str, ...]
    """The elements that should hold a date and do not: `BPR16`."""
    difference: Decimal = Decimal(0)
    """What is paid for all claims, less the provider's adjustments and the payment."""


def read_remittance(transaction: TransactionSet) -> Remittance:
    """Raises `ProtocolViolation` for what cannot be read."""
    heading, claims, trailer = _parts(transaction.body)
    bpr = next((segment for segment in heading if segment.name == "BPR"), None)
    if bpr is None:
        raise ProtocolViolation("the 835 tells no payment")
    payments = tuple(map(_read_claim, claims))
    adjustments = tuple(each for segment in trailer for each in _read_plb(segment))
    parties = [read_party(segment) for segment in heading if segment.name == "N1"]
    amount = read_amount(bpr, 2)
    return Remittance(
        trace=next((s.element(2) for s in heading if s.name == "TRN"), ""),
        amount=amount,
        method=bpr.element(4),
        paid_on=read_date(bpr, 16),
        payer=in_role(parties, "PR"),
        payee=in_role(parties, "PE"),
        claims=payments,
        adjustments=adjustments,
        imbalances=tuple(_imbalances(amount, payments, adjustments)),
        unreadable=tuple(_unreadable(transaction.body)),
        difference=_difference(amount, payments, adjustments),
    )


def _parts(
    body: Sequence[Segment],
) -> tuple[list[Segment], list[list[Segment]], list[Segment]]:
    """What stands before the claims, each claim, and the PLBs at the end."""
    heading, *claims = split_at((s for s in body if s.name not in _BETWEEN), "CLP")
    return heading, claims, [segment for segment in body if segment.name == "PLB"]


def _read_claim(segments: Sequence[Segment]) -> ClaimPayment:
    clp = segments[0]
    own, *services = split_at(segments, "SVC")
    parties = [read_party(segment) for segment in own if segment.name == "NM1"]
    statement = (read_date(s, 2) for s in own if s.name == "DTM" and s.element(1) in ("232", "233"))
    return ClaimPayment(
        account=clp.element(1),
        status=clp.element(2),
        charged=read_amount(clp, 3),
        paid=read_amount(clp, 4),
        patient_owes=read_amount(clp, 5),
        payer_claim=clp.element(7),
        patient=in_role(parties, "QC"),
        subscriber=in_role(parties, "IL"),
        provider=in_role(parties, "82"),
        dates=tuple(each for each in statement if each),
        adjustments=tuple(_read_adjustments(own)),
        services=tuple(map(_read_service, services)),
    )


def _read_service(segments: Sequence[Segment]) -> ServicePayment:
    svc = segments[0]
    days = (read_date(s, 2) for s in segments if s.name in ("DTM", "DTP") and _is_service_day(s))
    return ServicePayment(
        procedure=read_procedure(svc, 1),
        charged=read_amount(svc, 2),
        paid=read_amount(svc, 3),
        units=read_decimal(svc, 5),
        date=next(days, None),
        adjustments=tuple(_read_adjustments(segments)),
    )


def _is_service_day(segment: Segment) -> bool:
    return segment.element(1) in ("150", "472")


def _read_adjustments(segments: Iterable[Segment]) -> Iterator[Adjustment]:
    for segment in segments:
        for place in _CAS_PLACES if segment.name == "CAS" else ():
            if segment.element(place):
                yield Adjustment(
                    group=segment.element(1),
                    reason=segment.element(place),
                    amount=read_amount(segment, place + 1),
                    quantity=read_decimal(segment, place + 2),
                )


def _read_plb(segment: Segment) -> Iterator[ProviderAdjustment]:
    for place in _PLB_PLACES:
        amount = parse_decimal(segment.element(place + 1), f"PLB{place + 1:02d}")
        if amount is not None:
            reason, reference, *_ = (*segment.components(place), "")
            yield ProviderAdjustment(segment.element(1), reason, reference, amount)


def _imbalances(
    amount: Decimal,
    claims: Sequence[ClaimPayment],
    adjustments: Sequence[ProviderAdjustment],
) -> Iterator[str]:
    for number, claim in enumerate(claims, start=1):
        for line, service in enumerate(claim.services, start=1):
            if service.charged - total_of(service.adjustments) != service.paid:
                yield f"claim {number}, service {line}: charge less adjustments is not the payment"
        if claim.charged - total_of(claim.every_adjustment) != claim.paid:
            yield f"claim {number}: charge less adjustments is not the payment"
        if claim.services and sum(each.charged for each in claim.services) != claim.charged:
            yield f"claim {number}: the services' charges are not the claim's"
    if _difference(amount, claims, adjustments):
        yield "the claims' payments less the provider's adjustments are not the payment"


def _difference(
    amount: Decimal,
    claims: Sequence[ClaimPayment],
    adjustments: Sequence[ProviderAdjustment],
) -> Decimal:
    moved = sum((each.amount for each in adjustments), Decimal(0))
    return sum((claim.paid for claim in claims), Decimal(0)) - moved - amount


def _unreadable(body: Iterable[Segment]) -> Iterator[str]:
    for segment in body:
        place = _DATED.get(segment.name)
        if place and segment.element(place) and read_date(segment, place) is None:
            yield f"{segment.name}{place:02d}"


def total_of(adjustments: Iterable[Adjustment]) -> Decimal:
    return sum((each.amount for each in adjustments), Decimal(0))
