"""A video visit as we know it: what the vendor says when asked, or what it last pushed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.telehealth.visit import Visit


@dataclass(frozen=True, slots=True)
class PushedStatus:
    """The latest status the vendor pushed of a visit."""

    status: str
    occurred_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class VisitNow:
    """As the vendor answered, or else why it did not and what it pushed before."""

    source: str
    id: str
    received_at: datetime
    visit: Visit | None = None
    failure: UpstreamError | None = None
    pushed: PushedStatus | None = None

    @property
    def status(self) -> str | None:
        if self.visit is None or self.pushed_counts:
            return self.pushed.status if self.pushed else None
        return self.visit.status

    @property
    def pushed_counts(self) -> bool:
        """Whether the vendor's answer does not tell what is over from what lies ahead."""
        told = self.visit.status if self.visit else None
        return told == "scheduled" and self.pushed is not None and self.pushed.status == "ended"
