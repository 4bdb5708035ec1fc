"""Read claims as providers submit them: 837, professional (005010X222) and institutional (X223).

A claim stands below the subscriber, or below the dependent who was treated. Inside it the order of
segments says what they are about: the claim, then each other payer (SBR), then each service (LX).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.x12.claim_lines import ClaimLine, read_line
from subgraphs.connectors.x12.elements import (
    Dates,
    Party,
    in_role,
    read_amount,
    read_dates,
    read_decimal,
    read_parties,
)
from subgraphs.connectors.x12.hierarchy import DEPENDENT, SOURCE, SUBSCRIBER, Level, read_levels
from subgraphs.connectors.x12.segments import (
    Segment,
    TransactionSet,
    qualified,
    reference,
    split_at,
)

_HI_PLACES = range(1, 13)
_DIAGNOSES = frozenset({"ABK", "ABF", "ABJ", "APR", "ABN", "BK", "BF", "BJ", "PR", "BN"})
_PROCEDURES = frozenset({"BBR", "BBQ", "BR", "BQ", "CAH"})
_SELF = "18"


class ClaimKind(StrEnum):
    PROFESSIONAL = "professional"
    INSTITUTIONAL = "institutional"


_KINDS = {"005010X222": ClaimKind.PROFESSIONAL, "005010X223": ClaimKind.INSTITUTIONAL}


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """One code of an HI segment: a diagnosis or an institution's procedure."""

    use: str
    """Its qualifier: (A)BK principal diagnosis, (A)BF further, (A)BJ admitting, BBR principal
    procedure, …; with a leading A or a doubled B of ICD-10, without of ICD-9."""
    code: str
    """As sent: without a dot."""


@dataclass(frozen=True, slots=True)
class OtherPayer:
    """Another coverage of the same person, and what it has paid already."""

    sequence: str
    """SBR01: P primary, S secondary, T tertiary, …"""
    payer: Party | None
    subscriber: Party | None
    paid: Decimal | None


@dataclass(frozen=True, slots=True)
class SubmittedClaim:
    kind: ClaimKind
    account: str
    """The provider's own number of the claim (CLM01), which the 835 repeats."""
    charged: Decimal
    facility: str
    """CLM05-1: the place of service, or the first digits of the bill type."""
    frequency: str
    """CLM05-3: 1 original, 7 replacement, 8 void."""
    sequence: str
    """SBR01 of the payer this claim is for: P primary, S secondary, …"""
    billing: Party | None
    payer: Party | None
    subscriber: Party | None
    patient: Party | None
    relationship: str
    """Of the patient to the subscriber: 18 self, 01 spouse, 19 child, …"""
    group: str
    """The subscriber's group or policy (SBR03)."""
    providers: tuple[Party, ...]
    """82 rendering, DN referring, 71 attending, 72 operating, 77 facility, …"""
    diagnoses: tuple[ClaimCode, ...]
    procedures: tuple[ClaimCode, ...]
    statement: Dates | None
    """An institution's statement period (434)."""
    authorization: str
    """The prior authorization's number (REF G1)."""
    payer_claim: str
    """The payer's number of the claim this one replaces (REF F8)."""
    other_payers: tuple[OtherPayer, ...]
    lines: tuple[ClaimLine, ...]


def read_claims(transaction: TransactionSet) -> list[SubmittedClaim]:
    """Every claim of the transaction; `ProtocolViolation` for what cannot be read."""
    kind = next((k for guide, k in _KINDS.items() if transaction.version.startswith(guide)), None)
    if kind is None:
        raise ProtocolViolation("only professional and institutional claims of 5010 are read")
    return [
        _read_claim(kind, level, inside)
        for level in read_levels(transaction.body)
        for inside in split_at(level.segments, "CLM")[1:]
    ]


def _read_claim(kind: ClaimKind, level: Level, inside: Sequence[Segment]) -> SubmittedClaim:
    whole, *lines = split_at(inside, "LX")
    own, *others = split_at(whole, "SBR")
    clm = own[0]
    facility, _, frequency, *_ = (*clm.components(5), "", "", "")
    subscriber = level.nearest(SUBSCRIBER)
    sbr = _first(_heading(subscriber), "SBR")
    subscriber_party = in_role(read_parties(_heading(subscriber)), "IL")
    is_dependent = level.code == DEPENDENT
    patient = in_role(read_parties(_heading(level)), "QC") if is_dependent else subscriber_party
    codes = list(_read_codes(own))
    return SubmittedClaim(
        kind=kind,
        account=clm.element(1),
        charged=read_amount(clm, 2),
        facility=facility,
        frequency=frequency,
        sequence=_element(sbr, 1),
        billing=in_role(read_parties(_heading(level.nearest(SOURCE))), "85"),
        payer=in_role(read_parties(_heading(subscriber)), "PR"),
        subscriber=subscriber_party,
        patient=patient,
        relationship=_element(_first(_heading(level), "PAT"), 1) if is_dependent else _SELF,
        group=_element(sbr, 3),
        providers=tuple(read_parties(own)),
        diagnoses=tuple(code for code in codes if code.use in _DIAGNOSES),
        procedures=tuple(code for code in codes if code.use in _PROCEDURES),
        statement=next(map(read_dates, qualified(own, "DTP", "434")), None),
        authorization=reference(own, "G1"),
        payer_claim=reference(own, "F8"),
        other_payers=tuple(map(_read_other, others)),
        lines=tuple(map(read_line, lines)),
    )


def _heading(level: Level | None) -> list[Segment]:
    """What a level says before its first claim."""
    return split_at(level.segments, "CLM")[0] if level else []


def _read_other(segments: Sequence[Segment]) -> OtherPayer:
    parties = read_parties(segments)
    return OtherPayer(
        sequence=segments[0].element(1),
        payer=in_role(parties, "PR"),
        subscriber=in_role(parties, "IL"),
        paid=next((read_decimal(s, 2) for s in qualified(segments, "AMT", "D")), None),
    )


def _read_codes(segments: Iterable[Segment]) -> Iterator[ClaimCode]:
    for segment in segments:
        for place in _HI_PLACES if segment.name == "HI" else ():
            use, code, *_ = (*segment.components(place), "")
            if code:
                yield ClaimCode(use, code)


def _first(segments: Iterable[Segment], name: str) -> Segment | None:
    return next((segment for segment in segments if segment.name == name), None)


def _element(segment: Segment | None, position: int) -> str:
    return segment.element(position) if segment else ""
