"""How each source did when it was asked last, by what all processes tell of their calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from subgraphs.connectors.errors import SourceState
from subgraphs.runtime.events import Events, EventsLostError
from subgraphs.runtime.source_states import TOPIC, read_change


@dataclass
class StateBoard:
    """A source of which nothing was told has done well as long as it is known."""

    _told: dict[str, tuple[SourceState, datetime]] = field(default_factory=dict)

    def state(self, source: str) -> tuple[SourceState, datetime | None]:
        """And since when."""
        return self._told.get(source, (SourceState.OK, None))

    @property
    def states(self) -> Mapping[str, tuple[SourceState, datetime]]:
        return self._told

    async def keep_listening(self, events: Events) -> None:
        """Never ends."""
        while True:
            try:
                with events.listen(TOPIC) as changes:
                    async for event in changes:
                        self._take(event)
            except EventsLostError:
                # What was missed is told with the source's next change.
                continue

    def _take(self, event: bytes) -> None:
        try:
            change = read_change(event)
        except msgspec.MsgspecError:
            return
        self._told[change.source] = (change.state, change.at)
