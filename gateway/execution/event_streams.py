"""From the body of a subgraph's event stream to the answers it carries."""

from __future__ import annotations

from collections.abc import AsyncIterable

from contract.event_stream import COMPLETE, NEXT, EventParser, StreamTooLongError
from gateway.execution.client import Events, SubgraphInvalidResponse, SubgraphUnavailable


async def read_events(chunks: AsyncIterable[bytes], max_event_bytes: int) -> Events:
    """The data of each `next`, until `complete`. Raises SubgraphError."""
    parser = EventParser(max_event_bytes)
    async for chunk in chunks:
        try:
            for event in parser.feed(chunk):
                if event.type == NEXT:
                    yield event.data
                elif event.type == COMPLETE:
                    return
        except StreamTooLongError:
            raise SubgraphInvalidResponse("an event of it is larger than we take") from None
    raise SubgraphUnavailable("broke off in the middle of its events")
