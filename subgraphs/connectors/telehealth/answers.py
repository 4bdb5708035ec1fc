"""What the vendors' answers have in common."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime
from http import HTTPStatus

import httpx2

from subgraphs.connectors.errors import Rejected


async def gone(call: Awaitable[httpx2.Response]) -> None:
    """Await a deletion; what is not there is as good as deleted."""
    try:
        await call
    except Rejected as error:
        if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise


async def found(call: Awaitable[httpx2.Response]) -> httpx2.Response | None:
    """Await a read; None where there is no such thing."""
    try:
        return await call
    except Rejected as error:
        if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return None
        raise


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
