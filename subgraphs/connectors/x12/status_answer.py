"""What a payer answers to a claim status inquiry: 277, implementation guide 005010X212.

A claim is found by the trace number of the inquiry and then checked against the member: a payer
that answers about somebody else is not believed. What it says above the claims (that it cannot
answer now, that it does not know who asks) stands at the level it is about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from subgraphs.connectors.errors import ProtocolViolation, Refused, Unavailable
from subgraphs.connectors.x12.claim_status import ClaimStatus, StatusCode, read_claim_statuses
from subgraphs.connectors.x12.hierarchy import PROVIDER, RECEIVER, SOURCE
from subgraphs.connectors.x12.segments import TransactionSet
from subgraphs.connectors.x12.status_inquiry import StatusInquiry

_CANNOT_NOW: Final = frozenset({"E1", "E2"})
"""Categories: the payer's system is down, or does not respond."""
_CODE: Final = re.compile(r"[A-Z][0-9]:[0-9]{1,4}", re.ASCII)


class StatusRefused(Refused):
    """The payer answers nobody who asks as we do; `code` is the status's, for example `E0:24`."""

    def __init__(self, code: StatusCode | None) -> None:
        told = f"{code.category}:{code.code}" if code else ""
        # Anything may stand where a code should.
        self.code = told if _CODE.fullmatch(told) else ""
        named = f" ({self.code})" if self.code else ""
        super().__init__(f"the payer does not accept us as the one who asks{named}")


def read_status_answers(
    transactions: Sequence[TransactionSet], traced: Mapping[str, StatusInquiry]
) -> dict[StatusInquiry, list[ClaimStatus]]:
    """By inquiry, all that the payer says: it may have split a claim, or found several."""
    if any(transaction.kind != "277" for transaction in transactions):
        raise ProtocolViolation("the inquiry was not answered with a 277")
    answers = [each for t in transactions for each in read_claim_statuses(t)]
    found: dict[StatusInquiry, list[ClaimStatus]] = {}
    for status in answers:
        inquiry = traced.get(status.trace)
        if inquiry is not None and _is_about(status, inquiry):
            found.setdefault(inquiry, []).append(status)
    for status in answers:
        if status.level in (SOURCE, RECEIVER):
            _fail_whole(status)
        elif status.level == PROVIDER:
            # What is said of a provider is said of each of their claims that has no answer.
            theirs = (each for each in traced.values() if _asks(each, status))
            found |= {each: [status] for each in theirs if each not in found}
    return found


def _is_about(status: ClaimStatus, inquiry: StatusInquiry) -> bool:
    if status.level in (SOURCE, RECEIVER, PROVIDER):
        return False
    return status.subscriber is None or status.subscriber.id in {"", inquiry.member_id}


def _asks(inquiry: StatusInquiry, status: ClaimStatus) -> bool:
    """A provider who is not told apart from others is any of them."""
    npi = status.provider.npi if status.provider else None
    return npi is None or inquiry.provider is None or inquiry.provider.npi == npi


def _fail_whole(status: ClaimStatus) -> None:
    codes = [code for each in status.statuses for code in each.codes]
    if any(code.category in _CANNOT_NOW for code in codes):
        raise Unavailable("the payer cannot answer at present")
    raise StatusRefused(next(iter(codes), None))
