"""Write an interchange: the envelopes around transaction sets, and text that cannot break them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from subgraphs.connectors.x12.settings import TradingPartner

_RESERVED = re.compile(r"[*~:^|\r\n\t]")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/#-]{0,79}")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What tells one interchange from another."""

    control: int
    """1 to 999999999; the number of the interchange and of its one group."""
    reference: str
    """BHT03, which the answer repeats."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Guide:
    """An implementation guide: GS01, ST01 and GS08."""

    group: str
    kind: str
    version: str


ELIGIBILITY_INQUIRY: Final = Guide("HS", "270", "005010X279A1")
STATUS_INQUIRY: Final = Guide("HR", "276", "005010X212")


@dataclass(frozen=True, slots=True)
class Person:
    family: str
    given: str
    birth_date: date | None = None


def write_interchange(
    config: TradingPartner, envelope: Envelope, guide: Guide, bodies: Sequence[Sequence[str]]
) -> bytes:
    """One group with a transaction set for each body, whose segments come without their end."""
    control, at = f"{envelope.control:09d}", envelope.at
    sender, receiver = config.sender_id, config.receiver_id
    isa = (
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{sender:15}*ZZ*{receiver:15}"
        f"*{at:%y%m%d}*{at:%H%M}*^*00501*{control}*0*P*:"
    )
    gs = (
        f"GS*{guide.group}*{sender}*{receiver}*{at:%Y%m%d}*{at:%H%M}"
        f"*{envelope.control}*X*{guide.version}"
    )
    segments = [isa, gs]
    for number, body in enumerate(bodies, start=1):
        segments += [f"ST*{guide.kind}*{number:04d}*{guide.version}", *body]
        segments.append(f"SE*{len(body) + 2}*{number:04d}")
    segments += [f"GE*{len(bodies)}*{envelope.control}", f"IEA*1*{control}"]
    return "".join(f"{segment}~" for segment in segments).encode("ascii")


def trace(envelope: Envelope, place: int) -> str:
    """The number of the inquiry at a place, which its answer repeats."""
    return f"{envelope.reference}-{place + 1}"


def payer_name(config: TradingPartner) -> str:
    payer = config.payer_id or config.receiver_id
    return f"NM1*PR*2*{plain_text(config.title or payer, 60)}*****PI*{payer}"


def write_person(role: str, person: Person | None, member_id: str | None = None) -> Iterator[str]:
    """An NM1, and a DMG where the birth date is known."""
    family = plain_text(person.family, 60) if person else ""
    given = plain_text(person.given, 35) if person else ""
    name = f"NM1*{role}*1*{family}*{given}"
    yield f"{name}****MI*{member_id}" if member_id else name.rstrip("*")
    if person is not None and person.birth_date is not None:
        yield f"DMG*D8*{person.birth_date:%Y%m%d}"


def is_writable(code: str) -> bool:
    """X12 has no escapes: an identifier with a delimiter in it cannot be written."""
    return _CODE.fullmatch(code) is not None


def plain_text(text: str, longest: int) -> str:
    """Upper case of the basic character set, as payers hold names: Núñez → NUNEZ."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(_RESERVED.sub(" ", plain).upper().split())[:longest].strip()
