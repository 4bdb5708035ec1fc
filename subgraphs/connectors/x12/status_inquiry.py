"""Write claim status inquiries: 276, implementation guide 005010X212."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from subgraphs.connectors.x12.elements import Dates
from subgraphs.connectors.x12.settings import TradingPartner
from subgraphs.connectors.x12.writing import (
    STATUS_INQUIRY,
    Envelope,
    Person,
    is_writable,
    payer_name,
    plain_text,
    trace,
    write_interchange,
    write_person,
)

CLAIMS_PER_SET = 5_000
"""No payer takes more; most name a lower limit in their companion guide."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Who submitted a claim, as the payer knows them."""

    npi: str
    name: str


@dataclass(frozen=True, slots=True)
class StatusInquiry:
    """Which claim a payer is asked about."""

    member_id: str
    person: Person | None
    """The subscriber, as far as known."""
    dependent: Person | None = None
    """Who was treated, where it was not the subscriber."""
    account: str = ""
    """The provider's number of the claim, as its 837 gave it."""
    payer_claim: str = ""
    charged: Decimal | None = None
    dates: Dates | None = None
    provider: Provider | None = None
    """None means whoever asks."""

    @property
    def is_askable(self) -> bool:
        numbers = (self.member_id, self.account, self.payer_claim)
        return bool(self.member_id) and all(is_writable(each) for each in numbers if each)


def write_status_inquiry(
    config: TradingPartner, envelope: Envelope, inquiries: Sequence[StatusInquiry]
) -> bytes:
    """The interchange; the trace number of each inquiry is its place in the sequence."""
    traced = [(trace(envelope, place), inquiry) for place, inquiry in enumerate(inquiries)]
    starts = range(0, len(traced), CLAIMS_PER_SET)
    bodies = [list(_set(config, envelope, traced[at : at + CLAIMS_PER_SET])) for at in starts]
    return write_interchange(config, envelope, STATUS_INQUIRY, bodies)


def _set(
    config: TradingPartner, envelope: Envelope, traced: Sequence[tuple[str, StatusInquiry]]
) -> Iterator[str]:
    us = Provider(config.provider_npi, config.provider_name)
    yield f"BHT*0010*13*{envelope.reference}*{envelope.at:%Y%m%d}*{envelope.at:%H%M}"
    yield "HL*1**20*1"
    yield payer_name(config)
    yield "HL*2*1*21*1"
    yield f"NM1*41*2*{plain_text(us.name, 60)}*****46*{config.sender_id}"
    level = 2

    def provider_of(each: tuple[str, StatusInquiry]) -> Provider:
        return each[1].provider or us

    by_npi = sorted(traced, key=lambda each: provider_of(each).npi)
    for provider, claims in groupby(by_npi, provider_of):
        level += 1
        above = level
        yield f"HL*{above}*2*19*1"
        yield f"NM1*1P*2*{plain_text(provider.name, 60)}*****XX*{provider.npi}"
        for number, inquiry in claims:
            yield from _insured(inquiry, level + 1, above)
            level += 1 if inquiry.dependent is None else 2
            yield from _claim(number, inquiry)


def _insured(inquiry: StatusInquiry, level: int, above: int) -> Iterator[str]:
    yield f"HL*{level}*{above}*22*{int(inquiry.dependent is not None)}"
    name, *birth = write_person("IL", inquiry.person, inquiry.member_id)
    # Of a subscriber who was not treated the guide wants the name alone.
    if inquiry.dependent is None:
        yield from (*birth, name)
        return
    yield name
    yield f"HL*{level + 1}*{level}*23"
    name, *birth = write_person("QC", inquiry.dependent)
    yield from (*birth, name)


def _claim(number: str, inquiry: StatusInquiry) -> Iterator[str]:
    yield f"TRN*1*{number}"
    if inquiry.payer_claim:
        yield f"REF*1K*{inquiry.payer_claim}"
    if inquiry.account:
        yield f"REF*EJ*{inquiry.account}"
    if inquiry.charged is not None:
        yield f"AMT*T3*{inquiry.charged:f}"
    if inquiry.dates is not None:
        yield f"DTP*472*RD8*{inquiry.dates.start:%Y%m%d}-{inquiry.dates.end:%Y%m%d}"
