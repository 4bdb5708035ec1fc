"""What providers and the payer send each other about claims, as X12 files: 837P there, 835 back.

They come of the same claims as the payer's explanations of benefit and agree with them, but for two
of the patient persona's: her last payment does not come out, by `SHORT`, and the one before was
taken back and made again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import Final

from sandbox.data.people import Person
from sandbox.x12.interchange import (
    Delimiters,
    Group,
    Interchange,
    Segment,
    TransactionSet,
    dollars,
    format_interchange,
)

PAYER_ID: Final = "842610001"
PAYER_NAME: Final = "MEADOW MUTUAL"
SHORT: Final = 12_00
HORIZON: Final = timedelta(days=400)
"""How far back the files go: no clearinghouse keeps them for ever."""
_DELIMITERS: Final = Delimiters("*", "^", ":", "~")
_CLAIMS, _PAYMENTS = ("HC", "837", "005010X222A1"), ("HP", "835", "005010X221A1")


@dataclass(frozen=True, slots=True)
class Share:
    """How one allowed amount is divided, in cents."""

    deductible: int
    copay: int
    coinsurance: int
    benefit: int

    @property
    def member(self) -> int:
        return self.deductible + self.copay + self.coinsurance


@dataclass(frozen=True, slots=True)
class Biller:
    """Who submits claims."""

    source: str
    title: str
    npi: str


@dataclass(frozen=True, slots=True)
class FiledClaim:
    """A claim with its decision; amounts in cents."""

    account: str
    """The provider's number of it."""
    number: str
    """The payer's."""
    member_id: str
    person: Person
    biller: Biller
    day: date
    service: str
    reason: str
    sensitive: bool
    submitted: int
    allowed: int
    share: Share
    submitted_at: datetime
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class _Line:
    """One CLP loop: what it says differs from the claim in sign, or in what is missing."""

    claim: FiledClaim
    status: str = "1"
    sign: int = 1
    short: int = 0


def write_claim_files(claims: Iterable[FiledClaim], today: datetime) -> Mapping[str, str]:
    """The files by name, in the order of their days."""
    recent = [claim for claim in claims if claim.day >= (today - HORIZON).date()]
    of_biller: defaultdict[Biller, list[FiledClaim]] = defaultdict(list)
    for claim in recent:
        of_biller[claim.biller].append(claim)
    special = _special(recent, today)
    numbers = count(1)
    files: dict[str, str] = {}
    for biller, own in of_biller.items():
        body = _submission(biller, own, today)
        files[f"{biller.source}.837"] = _interchange(_CLAIMS, body, next(numbers), today)
        months: defaultdict[str, list[_Line]] = defaultdict(list)
        for claim in own:
            if claim.decided_at <= today:
                short = SHORT if claim is special[0] else 0
                months[f"{claim.decided_at:%Y-%m}"].append(_Line(claim, short=short))
        for month, lines in sorted(months.items()):
            paid_at = max(line.claim.decided_at for line in lines)
            trace = f"{PAYER_ID[-4:]}{next(numbers):06d}"
            body = _remittance(biller, lines, trace, paid_at)
            files[f"{biller.source}-{month}.835"] = _interchange(
                _PAYMENTS, body, next(numbers), paid_at
            )
        again = special[1]
        if again is not None and again.biller == biller:
            lines = [_Line(again, status="22", sign=-1), _Line(again)]
            trace = f"{PAYER_ID[-4:]}{next(numbers):06d}"
            body = _remittance(biller, lines, trace, today)
            files[f"{biller.source}-again.835"] = _interchange(
                _PAYMENTS, body, next(numbers), today
            )
    return files


def _special(
    claims: Sequence[FiledClaim], today: datetime
) -> tuple[FiledClaim | None, FiledClaim | None]:
    """The persona's last two that anyone may see: one that is short, one that is paid again."""
    own = [
        each
        for each in claims
        if each.person.number == 0 and not each.sensitive and each.decided_at <= today
    ]
    latest: list[FiledClaim | None] = [*sorted(own, key=lambda c: c.day, reverse=True)]
    one, other, *_ = (*latest, None, None)
    return one, other


def _submission(biller: Biller, claims: Sequence[FiledClaim], today: datetime) -> Iterator[Segment]:
    yield "BHT", "0019", "00", biller.source.upper(), f"{today:%Y%m%d}", f"{today:%H%M}", "CH"
    yield "NM1", "41", "2", biller.title.upper(), "", "", "", "", "46", biller.npi
    yield "NM1", "40", "2", PAYER_NAME, "", "", "", "", "46", PAYER_ID
    yield "HL", "1", "", "20", "1"
    yield "NM1", "85", "2", biller.title.upper(), "", "", "", "", "XX", biller.npi
    for level, claim in enumerate(claims, 2):
        person = claim.person
        yield "HL", str(level), "1", "22", "0"
        yield "SBR", "P", "18", "", "", "", "", "", "", "CI"
        yield _member("IL", claim)
        yield "DMG", "D8", f"{person.birth_date:%Y%m%d}", person.gender[0].upper()
        yield "NM1", "PR", "2", PAYER_NAME, "", "", "", "", "PI", PAYER_ID
        yield (
            *("CLM", claim.account, dollars(claim.submitted), "", "", "11:B:1"),
            *("Y", "A", "Y", "Y"),
        )
        yield "HI", f"ABK:{claim.reason.replace('.', '')}"
        yield "LX", "1"
        charge = dollars(claim.submitted)
        yield "SV1", f"HC:{claim.service}", charge, "UN", "1", "", "", "1"
        yield "DTP", "472", "D8", f"{claim.day:%Y%m%d}"


def _remittance(
    biller: Biller, lines: Sequence[_Line], trace: str, paid_at: datetime
) -> Iterator[Segment]:
    paid = sum(line.sign * line.claim.share.benefit for line in lines)
    method = "ACH" if paid else "NON"
    account = ("01", "121000248", "DA", "1000")
    yield (
        *("BPR", "I", dollars(paid), "C", method, "CCP"),
        *(*account, f"1{PAYER_ID}", "", *account, f"{paid_at:%Y%m%d}"),
    )
    yield "TRN", "1", trace, f"1{PAYER_ID}"
    yield "DTM", "405", f"{paid_at:%Y%m%d}"
    yield "N1", "PR", PAYER_NAME, "XV", PAYER_ID
    yield "N1", "PE", biller.title.upper(), "XX", biller.npi
    yield "LX", "1"
    for line in lines:
        yield from _payment(line)


def _payment(line: _Line) -> Iterator[Segment]:
    claim, share, sign = line.claim, line.claim.share, line.sign
    charged, paid = dollars(sign * claim.submitted), dollars(sign * share.benefit)
    owed = dollars(sign * share.member)
    yield "CLP", claim.account, line.status, charged, paid, owed, "12", claim.number, "11"
    yield _member("QC", claim)
    yield "SVC", f"HC:{claim.service}", charged, paid, "", "1"
    yield "DTM", "472", f"{claim.day:%Y%m%d}"
    contractual = claim.submitted - claim.allowed - line.short
    if contractual:
        yield "CAS", "CO", "45", dollars(sign * contractual)
    shares = (("1", share.deductible), ("2", share.coinsurance), ("3", share.copay))
    told = [(reason, dollars(sign * cents), "") for reason, cents in shares if cents]
    if told:
        yield "CAS", "PR", *(element for each in told for element in each)


def _member(role: str, claim: FiledClaim) -> Segment:
    person = claim.person
    name = (person.family.upper(), person.given.upper())
    return "NM1", role, "1", *name, "", "", "", "MI", claim.member_id


def _interchange(
    guide: tuple[str, str, str], body: Iterable[Segment], number: int, at: datetime
) -> str:
    group, kind, version = guide
    isa = ("ISA", "00", " " * 10, "00", " " * 10, "ZZ", f"{PAYER_ID:15}", "ZZ", f"{'CG':15}")
    header = (*isa, f"{at:%y%m%d}", f"{at:%H%M}", "^", "00501", f"{number:09d}", "0", "P", ":")
    day, time = f"{at:%Y%m%d}", f"{at:%H%M}"
    gs = ("GS", group, PAYER_ID, "CG", day, time, str(number), "X", version)
    transaction = TransactionSet(("ST", kind, "0001", version), tuple(body))
    return format_interchange(Interchange(_DELIMITERS, header, (Group(gs, (transaction,)),)))
