"""What the scheduling subgraph asks of a source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from subgraphs.runtime.gathering import Answer
from subgraphs.scheduling.model import Appointment


class ScheduleSource(Protocol):
    async def appointments(
        self, patients: Sequence[str], from_day: date | None
    ) -> Answer[Appointment]:
        """Of a batch of the source's own patients: at least all that begin on that day or later."""
        ...
