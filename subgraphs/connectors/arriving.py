"""An answer that is read as it arrives, for what is too large to be held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2

from subgraphs.connectors.errors import ProtocolViolation, TimedOut, Unreachable, UpstreamError

LATE = "the source did not answer in time"


class Arriving(httpx2.AsyncByteStream):
    """The body of an answer, decompressed; a part of it may take `timeout` seconds."""

    def __init__(self, response: httpx2.Response, timeout: float) -> None:
        self._response = response
        self._timeout = timeout

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = self._response.aiter_bytes()
        try:
            while True:
                async with asyncio.timeout(self._timeout):
                    part = await anext(parts, None)
                if part is None:
                    return
                yield part
        except TimeoutError:
            raise TimedOut(LATE) from None
        except httpx2.HTTPError as error:
            raise told(error) from None

    async def aclose(self) -> None:
        await self._response.aclose()


def told(error: httpx2.HTTPError) -> UpstreamError:
    """What went wrong, without the words of httpx2, which quote the URL: raise it `from None`."""
    match error:
        case httpx2.TimeoutException():
            return TimedOut(LATE)
        case httpx2.DecodingError():
            return ProtocolViolation("the source's answer cannot be decompressed")
    return Unreachable("the source cannot be reached")
