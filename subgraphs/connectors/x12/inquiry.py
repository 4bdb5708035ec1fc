"""Write an eligibility inquiry: 270, implementation guide 005010X279A1.

One interchange asks about many members. A transaction set holds at most 99 of them (the guide's
limit), so more go into further sets of the same interchange. Each member's inquiry has a trace
number, which the answer repeats.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from subgraphs.connectors.config import X12Source

MEMBERS_PER_SET = 99
VERSION = "005010X279A1"
_RESERVED = re.compile(r"[*~:^|\r\n\t]")
_SERVICE_TYPE = re.compile(r"[A-Z0-9]{1,2}")
_MEMBER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .-]{1,79}")


@dataclass(frozen=True, slots=True)
class Person:
    family: str
    given: str
    birth_date: date | None = None


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
class Envelope:
    """What tells one interchange from another."""

    control: int
    """1 to 999999999; the number of the interchange and of its one group."""
    reference: str
    """BHT03, which the answer repeats."""
    at: datetime


def write_inquiry(config: X12Source, envelope: Envelope, inquiries: Sequence[Inquiry]) -> bytes:
    """The interchange; the trace number of each inquiry is its place in the sequence."""
    control, at = f"{envelope.control:09d}", envelope.at
    traced = [(trace(envelope, place), inquiry) for place, inquiry in enumerate(inquiries)]
    starts = range(0, len(traced), MEMBERS_PER_SET)
    sets = [traced[start : start + MEMBERS_PER_SET] for start in starts]
    sender, receiver = config.sender_id, config.receiver_id
    isa = (
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{sender:15}*ZZ*{receiver:15}"
        f"*{at:%y%m%d}*{at:%H%M}*^*00501*{control}*0*P*:"
    )
    gs = f"GS*HS*{sender}*{receiver}*{at:%Y%m%d}*{at:%H%M}*{envelope.control}*X*{VERSION}"
    segments = [isa, gs]
    for number, members in enumerate(sets, start=1):
        body = list(_set(config, envelope, members))
        segments += [f"ST*270*{number:04d}*{VERSION}", *body, f"SE*{len(body) + 2}*{number:04d}"]
    segments += [f"GE*{len(sets)}*{envelope.control}", f"IEA*1*{control}"]
    return "".join(f"{segment}~" for segment in segments).encode("ascii")


def trace(envelope: Envelope, place: int) -> str:
    return f"{envelope.reference}-{place + 1}"


def _set(
    config: X12Source, envelope: Envelope, members: Sequence[tuple[str, Inquiry]]
) -> Iterator[str]:
    at = envelope.at
    yield f"BHT*0022*13*{envelope.reference}*{at:%Y%m%d}*{at:%H%M}"
    yield "HL*1**20*1"
    payer = config.payer_id or config.receiver_id
    yield f"NM1*PR*2*{_text(config.title or payer, 60)}*****PI*{payer}"
    yield "HL*2*1*21*1"
    yield f"NM1*1P*2*{_text(config.provider_name, 60)}*****XX*{config.provider_npi}"
    level = 2
    for number, inquiry in members:
        subscriber = level + 1
        yield f"HL*{subscriber}*2*22*{int(inquiry.dependent is not None)}"
        traced = f"TRN*1*{number}*9{config.provider_npi[:9]}"
        if inquiry.dependent is None:
            yield traced
            yield from _person("IL", inquiry.person, inquiry.member_id)
            level = subscriber
        else:
            yield from _person("IL", inquiry.person, inquiry.member_id)
            level = subscriber + 1
            yield f"HL*{level}*{subscriber}*23*0"
            yield traced
            yield from _person("03", inquiry.dependent)
        yield f"DTP*291*D8*{at:%Y%m%d}"
        yield f"EQ*{inquiry.service_type}"


def _person(role: str, person: Person | None, member_id: str | None = None) -> Iterator[str]:
    family, given = (_text(person.family, 60), _text(person.given, 35)) if person else ("", "")
    name = f"NM1*{role}*1*{family}*{given}"
    yield f"{name}****MI*{member_id}" if member_id else name.rstrip("*")
    if person is not None and person.birth_date is not None:
        yield f"DMG*D8*{person.birth_date:%Y%m%d}"


def _text(text: str, longest: int) -> str:
    """Upper case of the basic character set, as payers hold names: Núñez → NUNEZ."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(_RESERVED.sub(" ", plain).upper().split())[:longest].strip()
