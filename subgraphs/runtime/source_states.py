"""Tell who listens whenever a source begins to do otherwise than it did."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec

from subgraphs.connectors.errors import SourceState
from subgraphs.connectors.transport import Call, OnCall
from subgraphs.runtime.events import Events
from subgraphs.runtime.request import utc_now

TOPIC = "sources"


class StateChange(msgspec.Struct, frozen=True):
    source: str
    state: SourceState
    at: datetime


def watch_states(events: Events, source: str, then: OnCall | None = None) -> OnCall:
    """To be told of each call to the source; `then` is told after us.

    A source that has never been asked is taken to be well.
    """
    known = SourceState.OK
    publishing: set[asyncio.Task[None]] = set()

    def note(call: Call) -> None:
        nonlocal known
        if call.state is not known:
            known = call.state
            change = msgspec.json.encode(StateChange(source, known, utc_now()))
            task = asyncio.create_task(events.publish(TOPIC, change))
            publishing.add(task)
            task.add_done_callback(publishing.discard)
        if then is not None:
            then(call)

    return note


def read_change(event: bytes) -> StateChange:
    return msgspec.json.decode(event, type=StateChange)
