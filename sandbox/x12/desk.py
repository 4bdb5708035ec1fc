"""Who answers what X12 asks of the payer, however it came; and what such desks do wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from sandbox.data.claim_files import FiledClaim
from sandbox.data.payer import Member
from sandbox.faults import Outage
from sandbox.x12.answer import answer_interchange
from sandbox.x12.interchange import (
    Interchange,
    Segment,
    TransactionSet,
    answer_envelopes,
    format_interchange,
    parse_interchange,
)
from sandbox.x12.status import ClaimBook, answer_statuses

STATUS = "276"
_KIND = re.compile(r"(?<=[^A-Z])ST[^A-Za-z0-9](27[06])[^A-Za-z0-9]")


def kind_of(text: str) -> str:
    """`270` or `276`, for the ledger: it need not be well made."""
    found = _KIND.search(text)
    return found[1] if found else "270"


class Desk:
    """`today` is how late it is in the payer's books."""

    def __init__(
        self, members: Iterable[Member], claims: Sequence[FiledClaim], today: datetime
    ) -> None:
        self._members = {member.member_id: member for member in members}
        self._book = ClaimBook(claims, today)

    def answer(self, text: str, outage: Outage) -> tuple[str, str]:
        """What was asked, 270 or 276, and the answer. Raises MalformedInterchangeError."""
        asked, now = parse_interchange(text), datetime.now(UTC)
        kind = next((s.header[1] for group in asked.groups for s in group.sets), "270")
        is_down = outage is Outage.X12_DOWN
        if kind == STATUS:
            answer = answer_statuses(asked, self._book, now, is_down=is_down)
        else:
            answer = answer_interchange(asked, self._members, now, is_down=is_down)
        misdeed = _MISDEEDS.get(outage)
        return kind, format_interchange(misdeed(asked, answer, now) if misdeed else answer)


def _acknowledged(asked: Interchange, _: Interchange, now: datetime) -> Interchange:
    """That it has arrived, where an answer should be: 999."""

    def said(each: TransactionSet) -> Sequence[Segment]:
        return [("AK1", each.header[1], "7"), ("AK9", "A", "1", "1", "1")]

    return answer_envelopes(asked, ("FA", "999", "005010X231A1"), said, now)


def _of_another(_asked: Interchange, answer: Interchange, now: datetime) -> Interchange:
    """Every trace number comes back, and whom it is about is somebody else."""

    def said(each: TransactionSet) -> Sequence[Segment]:
        return [_renamed(segment) for segment in each.body]

    kind = answer.groups[0].sets[0].header
    return answer_envelopes(answer, (answer.groups[0].header[1], kind[1], kind[3]), said, now)


def _renamed(segment: Segment) -> Segment:
    is_member = segment[:2] == ("NM1", "IL") and len(segment) > 9  # noqa: PLR2004 - NM109
    return (*segment[:9], "M999999999") if is_member else segment


_MISDEEDS: Mapping[Outage, Callable[[Interchange, Interchange, datetime], Interchange]] = {
    Outage.X12_999: _acknowledged,
    Outage.X12_ANOTHER: _of_another,
}
