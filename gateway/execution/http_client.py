"""A subgraph behind HTTP, over connections that are kept alive."""

from __future__ import annotations

import asyncio
import io
from typing import Final

import aiohttp

from gateway.execution.client import (
    MAX_RESPONSE_BYTES,
    Headers,
    SubgraphInvalidResponse,
    SubgraphUnavailable,
    is_json,
    refuse_status,
)

# Common servers close an idle connection after five seconds; closing first avoids the race.
KEEP_ALIVE_SECONDS: Final = 4.0
MAX_CONNECTIONS: Final = 100
# Above this aiohttp wants a file, to write it piece by piece.
LARGE_BODY_BYTES: Final = 2**20


class HttpSubgraphClient:
    """`SubgraphClient` over aiohttp. Create and close it inside the running event loop."""

    def __init__(self, url: str, *, max_response_bytes: int = MAX_RESPONSE_BYTES) -> None:
        self._url = url
        self._max_response_bytes = max_response_bytes
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS
            ),
            # A cookie set for one patient's request must not ride on another's.
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "content-type": "application/json",
                "accept": "application/graphql-response+json, application/json;q=0.9",
            },
            timeout=aiohttp.ClientTimeout(total=None),
            # aiohttp logs nothing by itself; proxies of the environment are for the outside.
            trust_env=False,
        )

    async def send(
        self,
        body: bytes,
        headers: Headers,
        timeout: float,  # noqa: ASYNC109 - see SubgraphClient
    ) -> bytes:
        try:
            async with (
                asyncio.timeout(timeout),
                self._session.post(
                    self._url, data=_payload(body), headers=headers, allow_redirects=False
                ) as response,
            ):
                if not is_json(response.headers.get("content-type", "")):
                    raise refuse_status(response.status)
                return await self._read(response)
        except TimeoutError:
            raise SubgraphUnavailable("gave no answer in time") from None
        except aiohttp.ClientConnectionError:
            raise SubgraphUnavailable("cannot be reached, or hung up") from None
        except aiohttp.ClientPayloadError:
            raise SubgraphUnavailable("broke off in the middle of its answer") from None
        except aiohttp.ClientError:
            raise SubgraphInvalidResponse("its answer is not HTTP as we know it") from None

    async def close(self) -> None:
        await self._session.close()

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole body, unless it is larger than we take."""
        chunks, size = [], 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self._max_response_bytes:
                # Leaving early closes the connection: the rest is not worth reading.
                raise SubgraphInvalidResponse("its answer is larger than we take")
            chunks.append(chunk)
        return b"".join(chunks)


def _payload(body: bytes) -> bytes | io.BytesIO:
    return io.BytesIO(body) if len(body) > LARGE_BODY_BYTES else body
