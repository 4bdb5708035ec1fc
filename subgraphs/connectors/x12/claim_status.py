"""Read claim status inquiries and answers: 276 and 277, implementation guide 005010X212.

Both have one shape: wherever in the hierarchy a TRN stands, a claim (or the lack of one) follows.
An inquiry has no statuses; an answer repeats its trace number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from subgraphs.connectors.x12.elements import (
    Dates,
    Party,
    read_birth,
    read_date,
    read_dates,
    read_decimal,
    read_party,
)
from subgraphs.connectors.x12.hierarchy import (
    DEPENDENT,
    PROVIDER,
    RECEIVER,
    SOURCE,
    SUBSCRIBER,
    Level,
    read_levels,
)
from subgraphs.connectors.x12.procedures import Procedure, read_procedure
from subgraphs.connectors.x12.segments import (
    Segment,
    TransactionSet,
    qualified,
    reference,
    split_at,
)


@dataclass(frozen=True, slots=True)
class StatusCode:
    """https://x12.org/codes/claim-status-category-codes and …/claim-status-codes"""

    category: str
    """`P3` pending, `F0` finalized, `F2` denied, `E0` an error in the inquiry, …"""
    code: str
    entity: str = ""
    """Whom it is about: QC patient, 85 billing provider, …"""


@dataclass(frozen=True, slots=True)
class Status:
    """One STC segment."""

    codes: tuple[StatusCode, ...]
    effective: date | None
    charged: Decimal | None
    paid: Decimal | None
    finalized: date | None
    remitted: date | None
    remittance: str
    """The check's or the transfer's number."""


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One service of the claim."""

    procedure: Procedure
    charged: Decimal | None
    paid: Decimal | None
    quantity: Decimal | None
    dates: Dates | None
    statuses: tuple[Status, ...]


@dataclass(frozen=True, slots=True)
class ClaimStatus:
    trace: str
    level: str
    """HL03 of where the trace stands: a payer may answer about the receiver or a provider only."""
    statuses: tuple[Status, ...]
    payer: Party | None
    receiver: Party | None
    provider: Party | None
    subscriber: Party | None
    patient: Party | None
    """The subscriber or the dependent, whoever was treated."""
    payer_claim: str
    """The payer's own number of the claim (REF 1K)."""
    account: str
    """The provider's number of the patient's account (REF EJ)."""
    prescription: str
    """Of a pharmacy's claim (REF XZ)."""
    bill_type: str
    """Of an institution's (REF BLT)."""
    charged: Decimal | None
    """What an inquiry says the claim was for (AMT T3)."""
    dates: Dates | None
    lines: tuple[StatusLine, ...]


def read_claim_statuses(transaction: TransactionSet) -> list[ClaimStatus]:
    """Every claim that is traced; `ProtocolViolation` for what cannot be read."""
    return [
        _read_claim(level, trace, inside)
        for level in read_levels(transaction.body)
        for trace, *inside in split_at(level.segments, "TRN")[1:]
    ]


def _read_claim(level: Level, trace: Segment, inside: Sequence[Segment]) -> ClaimStatus:
    own, *lines = split_at(inside, "SVC")
    subscriber = _party(level.nearest(SUBSCRIBER))
    patient = _party(level) if level.code == DEPENDENT else subscriber
    return ClaimStatus(
        trace=trace.element(2),
        level=level.code,
        statuses=tuple(_read_statuses(own)),
        payer=_party(level.nearest(SOURCE)),
        receiver=_party(level.nearest(RECEIVER)),
        provider=_party(level.nearest(PROVIDER)),
        subscriber=subscriber,
        patient=patient,
        payer_claim=reference(own, "1K"),
        account=reference(own, "EJ"),
        prescription=reference(own, "XZ"),
        bill_type=reference(own, "BLT"),
        charged=next((read_decimal(s, 2) for s in qualified(own, "AMT", "T3")), None),
        dates=_service_dates(own),
        lines=tuple(map(_read_line, lines)),
    )


def _read_line(segments: Sequence[Segment]) -> StatusLine:
    service = segments[0]
    return StatusLine(
        procedure=read_procedure(service, 1),
        charged=read_decimal(service, 2),
        paid=read_decimal(service, 3),
        quantity=read_decimal(service, 7),
        dates=_service_dates(segments),
        statuses=tuple(_read_statuses(segments)),
    )


def _read_statuses(segments: Iterable[Segment]) -> Iterator[Status]:
    for segment in segments:
        if segment.name != "STC":
            continue
        yield Status(
            codes=tuple(
                _read_code(segment, place) for place in (1, 10, 11) if _has(segment, place)
            ),
            effective=read_date(segment, 2),
            charged=read_decimal(segment, 4),
            paid=read_decimal(segment, 5),
            finalized=read_date(segment, 6),
            remitted=read_date(segment, 8),
            remittance=segment.element(9),
        )


def _has(segment: Segment, place: int) -> bool:
    return bool(segment.element(place))


def _read_code(segment: Segment, place: int) -> StatusCode:
    category, code, entity, *_ = (*segment.components(place), "", "")
    return StatusCode(category, code, entity)


def _party(level: Level | None) -> Party | None:
    """Who a level is about, with what is said of their birth, before or after the name."""
    segments = level.segments if level else ()
    party = next((read_party(segment) for segment in segments if segment.name == "NM1"), None)
    born = next((read_birth(segment) for segment in segments if segment.name == "DMG"), None)
    return replace(party, birth_date=born[0], sex=born[1]) if party and born else party


def _service_dates(segments: Iterable[Segment]) -> Dates | None:
    return next(map(read_dates, qualified(segments, "DTP", "472")), None)
