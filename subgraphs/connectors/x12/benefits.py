"""Read an eligibility answer: 271, implementation guide 005010X279A1.

Every amount is a Decimal. What concerns a member is found by the trace number of the inquiry and
then checked against the member id: a payer that answers about someone else is not believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from subgraphs.connectors.errors import ProtocolViolation, Refused, Unavailable
from subgraphs.connectors.x12.elements import (
    Dates,
    Party,
    read_birth,
    read_dates,
    read_decimal,
    read_party,
)
from subgraphs.connectors.x12.segments import Segment, TransactionSet

# HL03
_SOURCE, _SUBSCRIBER, _DEPENDENT = "20", "22", "23"
# AAA03 above the level of a member: the payer cannot answer now; anything else is about us.
_CANNOT_NOW = frozenset({"42", "80"})


class InquiryRefused(Refused):
    """The payer answers nobody who asks as we do; `reason` is AAA03, for example 79 or 51."""

    def __init__(self, reason: str) -> None:
        named = f" ({reason})" if reason else ""
        super().__init__(f"the payer does not accept us as the one who asks{named}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Benefit:
    """One EB segment."""

    code: str
    """EB01: 1 active, 6 inactive, A coinsurance, B copay, C deductible, G out of pocket, …"""
    coverage_level: str
    """EB02: IND, FAM, …"""
    service_types: tuple[str, ...]
    plan: str
    period: str
    """EB06: 23 calendar year, 24 year to date, 27 visit, 29 remaining, …"""
    amount: Decimal | None
    percent: Decimal | None
    """0.2 means 20 %."""
    in_network: str
    """EB12: Y, N, W not applicable, U unknown."""
    insurance_type: str = ""
    """EB04: HM, PR preferred provider organization, MC Medicaid, …"""
    quantity: Decimal | None = None
    quantity_kind: str = ""
    """EB09: VS visits, DY days, P6 number of services, …"""
    authorization: str = ""
    """EB11: Y where the payer has to agree beforehand, N, U unknown."""
    procedure: tuple[str, ...] = ()
    """EB13: the kind of code (HC, AD, ND, …), the code and its modifiers."""
    dates: Dates | None = None
    messages: tuple[str, ...] = ()


@dataclass(slots=True)
class MemberAnswer:
    """What a payer says about one member."""

    trace: str = ""
    member_id: str = ""
    benefits: list[Benefit] = field(default_factory=list)
    rejections: list[str] = field(default_factory=list)
    """AAA03: 72 invalid member id, 75 subscriber not found, 71 birth date does not match, …"""
    follow_ups: list[str] = field(default_factory=list)
    """AAA04 of each: C correct it and ask again, N do not, R ask again, …"""
    dates: dict[str, Dates] = field(default_factory=dict)
    """By DTP01: 346 and 347 the plan's begin and end, 356 and 357 eligibility's, …"""
    payer: Party | None = None
    """Or whoever else answers."""
    subscriber: Party | None = None
    dependent: Party | None = None
    """Whom it is about, where that is not the subscriber."""


def read_answers(transactions: Sequence[TransactionSet], reference: str) -> list[MemberAnswer]:
    """What each member loop says, in the answers to the inquiry of this reference."""
    answers: list[MemberAnswer] = []
    for transaction in transactions:
        if transaction.kind != "271":
            raise ProtocolViolation("the inquiry was not answered with a 271")
        begins = next((s for s in transaction.body if s.name == "BHT"), None)
        if begins is None or begins.element(3) not in {"", reference}:
            raise ProtocolViolation("the 271 answers another inquiry")
        answers += read_members(transaction.body)
    return answers


def read_members(body: Sequence[Segment]) -> Iterator[MemberAnswer]:
    """Walk the hierarchy; a dependent is covered by the id of the subscriber above."""
    above, level = MemberAnswer(), ""
    answer: MemberAnswer | None = None
    for segment in body:
        if segment.name == "HL":
            if answer is not None:
                yield answer
                above = answer
            level = segment.element(3)
            answer = MemberAnswer(payer=above.payer) if level == _SUBSCRIBER else None
            if level == _DEPENDENT:
                answer = MemberAnswer(
                    member_id=above.member_id, payer=above.payer, subscriber=above.subscriber
                )
        elif answer is not None:
            _note(answer, segment)
        elif segment.name == "NM1" and level == _SOURCE:
            above = MemberAnswer(payer=read_party(segment))
        elif segment.name == "AAA":
            _fail_whole(segment.element(3))
    if answer is not None:
        yield answer


def _note(answer: MemberAnswer, segment: Segment) -> None:
    match segment.name:
        case "TRN" if segment.element(1) == "2" and not answer.trace:
            answer.trace = segment.element(2)
        case "NM1" | "DMG" if not answer.benefits:
            _note_person(answer, segment)
        case "AAA":
            answer.rejections.append(segment.element(3))
            answer.follow_ups.append(segment.element(4))
        case "EB":
            answer.benefits.append(_benefit(segment))
        case "MSG" if answer.benefits:
            said = (*answer.benefits[-1].messages, segment.element(1))
            answer.benefits[-1] = replace(answer.benefits[-1], messages=said)
        case "DTP" if answer.benefits:
            answer.benefits[-1] = replace(answer.benefits[-1], dates=read_dates(segment))
        case "DTP" if (dates := read_dates(segment)) is not None:
            answer.dates[segment.element(1)] = dates


def _note_person(answer: MemberAnswer, segment: Segment) -> None:
    if segment.name == "DMG":
        birth_date, sex = read_birth(segment)
        if answer.dependent is not None:
            answer.dependent = replace(answer.dependent, birth_date=birth_date, sex=sex)
        elif answer.subscriber is not None:
            answer.subscriber = replace(answer.subscriber, birth_date=birth_date, sex=sex)
    elif segment.element(1) == "IL":
        answer.subscriber = read_party(segment)
        if segment.element(8) == "MI":
            answer.member_id = segment.element(9)
    elif segment.element(1) == "03":
        answer.dependent = read_party(segment)


def _benefit(segment: Segment) -> Benefit:
    return Benefit(
        code=segment.element(1),
        coverage_level=segment.element(2),
        service_types=segment.repeats(3),
        plan=segment.element(5),
        period=segment.element(6),
        amount=read_decimal(segment, 7),
        percent=read_decimal(segment, 8),
        in_network=segment.element(12),
        insurance_type=segment.element(4),
        quantity=read_decimal(segment, 10),
        quantity_kind=segment.element(9),
        authorization=segment.element(11),
        procedure=segment.components(13) if segment.element(13) else (),
    )


def _fail_whole(reason: str) -> None:
    """AAA above the members: nothing was answered. https://x12.org/codes/eligibility-codes"""
    if reason in _CANNOT_NOW:
        raise Unavailable("the payer cannot answer at present")
    raise InquiryRefused(reason if reason.isdecimal() else "")
