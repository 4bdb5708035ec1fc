"""The 277 to a 276 (005010X212): where each claim asked about stands, or that there is none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from sandbox.data.claim_files import FiledClaim
from sandbox.x12.inquiry import element
from sandbox.x12.interchange import (
    Delimiters,
    Interchange,
    MalformedInterchangeError,
    Segment,
    TransactionSet,
    answer_envelopes,
    dollars,
)

# STC01: a category and a code
_PAID, _NOTHING_TO_PAY, _PENDING, _NOT_FOUND = "F1:65", "F1:104", "P1:20", "A4:35"
_NOT_NOW = "E1:484"
_RECEIVER, _MEMBERS = "21", ("22", "23")
_VERSION: Final = "005010X212"


class ClaimBook:
    """What the payer knows of claims, as of a moment."""

    def __init__(self, claims: Sequence[FiledClaim], now: datetime) -> None:
        self._by_member: defaultdict[str, list[FiledClaim]] = defaultdict(list)
        for claim in claims:
            self._by_member[claim.member_id].append(claim)
        self._now = now

    def find(self, member: str, told: Mapping[str, str]) -> list[FiledClaim]:
        """By either number, or else by charge and day, whatever of these is told."""
        return [
            claim
            for claim in self._by_member.get(member, ())
            if told.get("EJ", claim.account) == claim.account
            and told.get("1K", claim.number) == claim.number
            and _cents(told.get("T3")) in (None, claim.submitted)
            and told.get("472", f"{claim.day:%Y%m%d}")[:8] == f"{claim.day:%Y%m%d}"
        ]

    def status(self, claim: FiledClaim) -> tuple[str, ...]:
        """STC01 to STC06."""
        charged, at = dollars(claim.submitted), f"{claim.decided_at:%Y%m%d}"
        if claim.decided_at > self._now:
            return _PENDING, f"{claim.submitted_at:%Y%m%d}", "", charged, "0"
        paid = claim.share.benefit
        return _PAID if paid else _NOTHING_TO_PAY, at, "", charged, dollars(paid), at


def answer_statuses(
    asked: Interchange, book: ClaimBook, now: datetime, *, is_down: bool = False
) -> Interchange:
    """As `answer_interchange` does. A payer that is down says so, and nothing of any claim.

    Raises MalformedInterchangeError.
    """

    def answer(each: TransactionSet) -> list[Segment]:
        return list(_answer_set(each, asked.delimiters, book, now, is_down=is_down))

    return answer_envelopes(asked, ("HN", "277", _VERSION), answer, now)


def _answer_set(
    asked: TransactionSet, delimiters: Delimiters, book: ClaimBook, now: datetime, *, is_down: bool
) -> Iterator[Segment]:
    if asked.header[1] != "276":
        raise MalformedInterchangeError("a transaction set is not a 276")
    at = (f"{now:%Y%m%d}", f"{now:%H%M}")
    begin, *rest = asked.body
    yield "BHT", "0010", "08", f"{now:%y%m%d%H%M%S}", *at, "DG"
    level, member = "", ""
    for place, segment in enumerate(rest):
        match segment[0]:
            case "HL":
                level = element(segment, 3)
                if is_down and level not in ("20", _RECEIVER):
                    return
                yield segment
            case "NM1":
                if element(segment, 1) == "IL":
                    member = element(segment, 9)
                yield segment
                if is_down and level == _RECEIVER:
                    yield "TRN", "2", element(begin, 3)
                    yield "STC", _NOT_NOW, at[0]
            case "TRN" if level in _MEMBERS:
                yield "TRN", "2", *segment[2:]
                # Every member of this payer is their own subscriber: a dependent has no claims.
                known = member if level == _MEMBERS[0] else ""
                found = book.find(known, _told(rest[place + 1 :], delimiters))
                yield from _answer_claim(found, book, at[0])


def _told(segments: Sequence[Segment], delimiters: Delimiters) -> dict[str, str]:
    """What is said of a claim, up to the next level or claim: by its qualifier."""
    told: dict[str, str] = {}
    for segment in segments:
        if segment[0] in ("HL", "TRN"):
            break
        if segment[0] in ("REF", "AMT"):
            told[element(segment, 1)] = element(segment, 2).split(delimiters.component)[0]
        elif segment[0] == "DTP":
            told[element(segment, 1)] = element(segment, 3)
    return told


def _cents(amount: str | None) -> Decimal | None:
    try:
        return None if amount is None else Decimal(amount) * 100
    except InvalidOperation:
        raise MalformedInterchangeError("an amount is no number") from None


def _answer_claim(found: Sequence[FiledClaim], book: ClaimBook, day: str) -> Iterator[Segment]:
    if not found:
        yield "STC", _NOT_FOUND, day
    for claim in found[:1]:
        status = book.status(claim)
        yield "STC", *status
        yield "REF", "1K", claim.number
        yield "REF", "EJ", claim.account
        yield "DTP", "472", "D8", f"{claim.day:%Y%m%d}"
        yield "SVC", f"HC:{claim.service}", *status[3:5], "", "", "", "1"
        yield "STC", *status[:2]
        yield "DTP", "472", "D8", f"{claim.day:%Y%m%d}"
