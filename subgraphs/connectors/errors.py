"""What can go wrong with an upstream, sorted by what the caller can do about it.

    UpstreamError
    ├── Unreachable        no connection: retry later
    ├── TimedOut           no answer in time: retry later
    ├── RateLimited        too many requests: retry after `retry_after`
    ├── Unavailable        the upstream says it is down (5xx): retry later
    ├── CircuitOpen        it kept failing and is left alone: retry after `retry_after`
    ├── Refused            it does not accept *our* credentials: its operator must renew them
    ├── Rejected           it understood and declined this request (4xx)
    ├── Expired            what it had made ready is no longer there: have it made anew
    ├── ProtocolViolation  its answer breaks the protocol: its operator must look into it
    └── Unsupported        a document of a kind that is not read here, called by its name

Every message is written here or in a connector and is safe to show: it quotes neither the request
nor the answer, since both hold PHI. For the same reason connectors raise `from None`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class SourceState(StrEnum):
    """How a source did, as the graph shows it beside the rows of the others."""

    OK = "OK"
    STALE = "STALE"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    RATE_LIMITED = "RATE_LIMITED"
    OPEN_CIRCUIT = "OPEN_CIRCUIT"
    REFUSED = "REFUSED"
    INVALID = "INVALID"


class UpstreamError(Exception):
    """A source did not give what was asked; `retry_after` is in seconds, where it named a time."""

    state: ClassVar[SourceState]

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unreachable(UpstreamError):
    state = SourceState.UNAVAILABLE


class TimedOut(UpstreamError):
    state = SourceState.TIMEOUT


class RateLimited(UpstreamError):
    state = SourceState.RATE_LIMITED


class Unavailable(UpstreamError):
    state = SourceState.UNAVAILABLE


class CircuitOpen(UpstreamError):
    state = SourceState.OPEN_CIRCUIT


class Refused(UpstreamError):
    state = SourceState.REFUSED


class Rejected(UpstreamError):
    """`codes` are those of its OperationOutcome or a payment gateway's error: of fixed lists."""

    state = SourceState.INVALID

    def __init__(self, status: int, codes: tuple[str, ...] = ()) -> None:
        named = f" ({', '.join(codes)})" if codes else ""
        super().__init__(f"the source declined the request with status {status}{named}")
        self.status = status
        self.codes = codes


class Expired(UpstreamError):
    state = SourceState.INVALID


class ProtocolViolation(UpstreamError):
    state = SourceState.INVALID


class Unsupported(UpstreamError):
    """`name` is the kind's: `X12 834 of guide 005010X220A1`."""

    state = SourceState.INVALID

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not read here")
        self.name = name
