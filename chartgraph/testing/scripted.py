"""A network that answers from a script; its last line repeats."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, TypeAlias

import httpx2

HANGS: Final = object()
Script: TypeAlias = "httpx2.Response | Exception | object"


class Scripted(httpx2.AsyncBaseTransport):
    def __init__(self, script: Sequence[Script]) -> None:
        self.requests: list[httpx2.Request] = []
        self._script = list(script)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        line = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if line is HANGS:
            await asyncio.Event().wait()
        if isinstance(line, Exception):
            raise line
        assert isinstance(line, httpx2.Response)
        # Each answer is read anew, so a repeated one must be a new object.
        return httpx2.Response(line.status_code, headers=line.headers, content=line.content)
