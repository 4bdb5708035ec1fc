"""What an X12 file holds, whichever transactions are in it.

Read are the 5010 guides of eligibility (270, 271), claim status (276, 277), remittance (835) and
claims (837, professional and institutional). Any other is refused by its name, and with it the
file: part of what a partner sent must not pass for all of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from subgraphs.connectors.errors import Unsupported
from subgraphs.connectors.x12.benefits import MemberAnswer, read_members
from subgraphs.connectors.x12.claim_status import ClaimStatus, read_claim_statuses
from subgraphs.connectors.x12.claims import SubmittedClaim, read_claims
from subgraphs.connectors.x12.inquiry import ReceivedInquiry, read_inquiries
from subgraphs.connectors.x12.remittance import Remittance, read_remittance
from subgraphs.connectors.x12.segments import TransactionSet, read_interchange

Document: TypeAlias = ReceivedInquiry | MemberAnswer | ClaimStatus | Remittance | SubmittedClaim
Reader: TypeAlias = Callable[[TransactionSet], Iterable[Document]]

READERS: Final[dict[tuple[str, str], Reader]] = {
    ("270", "005010X279"): read_inquiries,
    ("271", "005010X279"): lambda transaction: read_members(transaction.body),
    ("276", "005010X212"): read_claim_statuses,
    ("277", "005010X212"): read_claim_statuses,
    ("835", "005010X221"): lambda transaction: (read_remittance(transaction),),
    ("837", "005010X222"): read_claims,
    ("837", "005010X223"): read_claims,
}
"""By ST01 and the guide, without its addenda."""
FACTS: Final = frozenset({"271", "277", "835", "837"})
"""What tells something; the others are questions."""
_NAME = re.compile(r"[0-9A-Z]{1,12}")


@dataclass(frozen=True, slots=True)
class Filed:
    document: Document
    sent_at: str
    """As `TransactionSet.sent_at`."""


def read_documents(content: bytes) -> list[Document]:
    """Raises `ProtocolViolation` for what is not whole, and `Unsupported` for what is not read."""
    transactions = read_interchange(content)
    readers = [_reader(transaction) for transaction in transactions]
    return _read_all(transactions, readers)


def read_filed(content: bytes) -> list[Filed]:
    """The same of a file that was handed in: facts alone, each with when it was sent."""
    transactions = read_interchange(content)
    readers = [_reader(transaction) for transaction in transactions]
    for transaction in transactions:
        if transaction.kind not in FACTS:
            raise Unsupported(f"X12 {_named(transaction.kind)} that is handed in")
    pairs = zip(transactions, readers, strict=True)
    return [Filed(each, of.sent_at) for of, read in pairs for each in read(of)]


def _read_all(transactions: Sequence[TransactionSet], readers: Sequence[Reader]) -> list[Document]:
    pairs = zip(transactions, readers, strict=True)
    return [document for transaction, read in pairs for document in read(transaction)]


def _reader(transaction: TransactionSet) -> Reader:
    for (kind, guide), reader in READERS.items():
        if transaction.kind == kind and transaction.version.startswith(guide):
            return reader
    raise Unsupported(f"X12 {_named(transaction.kind)} of guide {_named(transaction.version)}")


def _named(element: str) -> str:
    return element if _NAME.fullmatch(element) else "unknown"
