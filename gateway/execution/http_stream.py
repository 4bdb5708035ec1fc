"""One subscription over HTTP: the response is its events."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from contract.event_stream import MEDIA_TYPE
from gateway.execution.client import (
    ACCEPT_ANSWER,
    Events,
    Headers,
    SubgraphError,
    SubgraphInvalidResponse,
    SubgraphUnavailable,
    is_json,
    refuse_status,
)
from gateway.execution.event_streams import read_events

if TYPE_CHECKING:
    import aiohttp


async def read_response(
    session: aiohttp.ClientSession,
    url: str,
    body: bytes,
    headers: Headers,
    timeout: float,  # noqa: ASYNC109 - see SubgraphClient
    max_bytes: int,
) -> Events:
    """Raises SubgraphError. Closing it hangs up, which is how a subgraph learns of it."""
    import aiohttp  # noqa: PLC0415 - see `streams`

    own = [
        ("content-type", "application/json"),
        ("accept", f"{MEDIA_TYPE}, {ACCEPT_ANSWER}"),
        ("accept-encoding", "identity"),
    ]
    try:
        async with asyncio.timeout(timeout):
            response = await session.post(
                url, data=body, headers=[*own, *headers], allow_redirects=False
            )
    except TimeoutError:
        raise SubgraphUnavailable("gave no answer in time") from None
    except (aiohttp.ClientError, ValueError):
        raise SubgraphUnavailable("cannot be reached") from None
    try:
        async with aclosing(_read(response, max_bytes)) as events:
            async for event in events:
                yield event
    except (aiohttp.ClientError, TimeoutError):
        raise SubgraphUnavailable("broke off in the middle of its events") from None
    finally:
        response.close()


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> Events:
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == MEDIA_TYPE:
        async with aclosing(read_events(response.content.iter_any(), max_bytes)) as events:
            async for event in events:
                yield event
    elif is_json(media_type):
        # Refused before it began: an answer like any other.
        yield await _read_answer(response, max_bytes)
    else:
        raise _refused(response.status)


async def _read_answer(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    body = b""
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > max_bytes:
            raise SubgraphInvalidResponse("its answer is larger than we take")
    return body


def _refused(status: int) -> SubgraphError:
    if status == 200:  # noqa: PLR2004 - it took the request, and answers what nobody asked for
        return SubgraphInvalidResponse("its answer is neither events nor JSON")
    return refuse_status(status)
