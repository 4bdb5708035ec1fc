"""Eligibility inquiries: 270, implementation guide 005010X279A1; written, and read.

One interchange asks about many members. A transaction set holds at most 99 of them (the guide's
limit), so more go into further sets of the same interchange. Each member's inquiry has a trace
number, which the answer repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from subgraphs.connectors.x12.elements import Party, in_role, read_parties
from subgraphs.connectors.x12.hierarchy import DEPENDENT, SUBSCRIBER, Level, read_levels
from subgraphs.connectors.x12.segments import TransactionSet
from subgraphs.connectors.x12.settings import TradingPartner
from subgraphs.connectors.x12.writing import (
    ELIGIBILITY_INQUIRY,
    Envelope,
    Person,
    payer_name,
    plain_text,
    trace,
    write_interchange,
    write_person,
)

MEMBERS_PER_SET = 99
_SERVICE_TYPE = re.compile(r"[A-Z0-9]{1,2}")
_MEMBER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .-]{1,79}")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What a payer is asked about one member. A member of their own is `person`, without
    `dependent`; whoever is covered by another's id is the `dependent` of that `person`.
    """

    member_id: str
    service_type: str = "30"
    """https://x12.org/codes/service-type-codes; 30 is health benefit plan coverage."""
    person: Person | None = None
    dependent: Person | None = None

    def __post_init__(self) -> None:
        if not _SERVICE_TYPE.fullmatch(self.service_type):
            raise ValueError("a service type code has one or two characters")

    @property
    def is_askable(self) -> bool:
        """X12 has no escapes: an id with a delimiter in it cannot be written."""
        return _MEMBER_ID.fullmatch(self.member_id) is not None


@dataclass(frozen=True, slots=True)
class ReceivedInquiry:
    """What somebody asked about one member."""

    trace: str
    member_id: str
    subscriber: Party | None
    dependent: Party | None
    service_types: tuple[str, ...]


def write_inquiry(
    config: TradingPartner, envelope: Envelope, inquiries: Sequence[Inquiry]
) -> bytes:
    """The interchange; the trace number of each inquiry is its place in the sequence."""
    traced = [(trace(envelope, place), inquiry) for place, inquiry in enumerate(inquiries)]
    starts = range(0, len(traced), MEMBERS_PER_SET)
    sets = [traced[start : start + MEMBERS_PER_SET] for start in starts]
    bodies = [list(_set(config, envelope, members)) for members in sets]
    return write_interchange(config, envelope, ELIGIBILITY_INQUIRY, bodies)


def read_inquiries(transaction: TransactionSet) -> list[ReceivedInquiry]:
    """One for each subscriber or dependent who is asked about."""
    return [
        _read(level)
        for level in read_levels(transaction.body)
        if level.code in (SUBSCRIBER, DEPENDENT)
        and any(segment.name == "EQ" for segment in level.segments)
    ]


def _read(level: Level) -> ReceivedInquiry:
    above = level.nearest(SUBSCRIBER)
    subscriber = in_role(read_parties(above.segments), "IL") if above else None
    return ReceivedInquiry(
        trace=next((s.element(2) for s in level.segments if s.name == "TRN"), ""),
        member_id=subscriber.id if subscriber else "",
        subscriber=subscriber,
        dependent=in_role(read_parties(level.segments), "03"),
        service_types=tuple(
            each for s in level.segments if s.name == "EQ" for each in s.repeats(1)
        ),
    )


def _set(
    config: TradingPartner, envelope: Envelope, members: Sequence[tuple[str, Inquiry]]
) -> Iterator[str]:
    at = envelope.at
    yield f"BHT*0022*13*{envelope.reference}*{at:%Y%m%d}*{at:%H%M}"
    yield "HL*1**20*1"
    yield payer_name(config)
    yield "HL*2*1*21*1"
    yield f"NM1*1P*2*{plain_text(config.provider_name, 60)}*****XX*{config.provider_npi}"
    level = 2
    for number, inquiry in members:
        subscriber = level + 1
        yield f"HL*{subscriber}*2*22*{int(inquiry.dependent is not None)}"
        traced = f"TRN*1*{number}*9{config.provider_npi[:9]}"
        if inquiry.dependent is None:
            yield traced
            yield from write_person("IL", inquiry.person, inquiry.member_id)
            level = subscriber
        else:
            yield from write_person("IL", inquiry.person, inquiry.member_id)
            level = subscriber + 1
            yield f"HL*{level}*{subscriber}*23*0"
            yield traced
            yield from write_person("03", inquiry.dependent)
        yield f"DTP*291*D8*{at:%Y%m%d}"
        yield f"EQ*{inquiry.service_type}"
