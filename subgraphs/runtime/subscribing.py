"""Run a subscription: its source is heard once, and each event is answered as a request of its own.

A resolver of a subscription yields `Event`s, which hold ids and no records. Each is loaded with
fresh loaders and a fresh access decision, so that what was permitted an hour ago is decided anew.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import aclosing
from enum import Enum, auto
from typing import Any, Final, Literal, Protocol, TypeAlias

from graphql import DocumentNode
from graphql.execution import ExecutionResult, Executor, create_source_event_stream

from subgraphs.runtime.execution import render_result, run
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import SubgraphSchema


class _Told(Enum):
    UNSEEN = auto()


Unseen: TypeAlias = Literal[_Told.UNSEEN]
UNSEEN: Final = _Told.UNSEEN
"""What an event is that its listener is not to hear of: a null would tell that there was one."""


class Event(Protocol):
    async def load(self, request: Request[Any]) -> object | None:
        """What the subscription's field is for this event; an exception becomes its error."""
        ...


async def run_subscription(
    schema: SubgraphSchema,
    document: DocumentNode,
    *,
    open_request: Callable[[], Request[Any]],
    variables: Mapping[str, Any],
    operation_name: str | None,
) -> AsyncGenerator[tuple[dict[str, Any], Request[Any]], None]:
    """Each answer, with the request that tells what was read for it."""
    request = open_request()
    executor = Executor.build(
        schema._schema,  # noqa: SLF001 - as `execution.run` does
        document,
        context_value=request,
        raw_variable_values=dict(variables),
        operation_name=operation_name,
    )
    if not isinstance(executor, Executor):
        yield render_result(ExecutionResult(None, executor)), request
        return
    source = create_source_event_stream(executor)
    heard = source if isinstance(source, AsyncIterable | ExecutionResult) else await source
    if isinstance(heard, ExecutionResult):
        yield render_result(heard), request
        return
    async with aclosing(_values(heard, open_request)) as values:
        async for value, fresh in values:
            answer = await run(
                schema,
                document,
                context=fresh,
                variables=variables,
                operation_name=operation_name,
                root=value,
            )
            yield answer, fresh


async def _values(
    heard: AsyncIterable[Any], open_request: Callable[[], Request[Any]]
) -> AsyncGenerator[tuple[object | None, Request[Any]], None]:
    """What each event is; a source that fails has its error for its last event."""
    events: Any = aiter(heard)
    try:
        while True:
            fresh = open_request()
            try:
                event: Event = await anext(events)
            except StopAsyncIteration:
                return
            except Exception as error:  # noqa: BLE001 - it becomes the field's error, masked later
                yield error, fresh
                return
            loaded = await _load(event, fresh)
            if loaded is not UNSEEN:
                yield loaded, fresh
    finally:
        await events.aclose()


async def _load(event: Event, request: Request[Any]) -> object | None:
    try:
        return await event.load(request)
    except Exception as error:  # noqa: BLE001 - likewise
        return error
