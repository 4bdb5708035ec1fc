"""A subgraph on a port of loopback, in the test's own event loop, and a gateway's ways to it."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from contract.context import HEADER, Caller, Context, body_hash, sign_context
from gateway.execution.direct_client import DirectSubgraphClient
from gateway.execution.http_client import HttpSubgraphClient
from tests.subgraphs.signed import KEY, NOW

WAYS = ("direct", "http", "ws")


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Its address, without a scheme."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, ws="websockets-sansio", lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}/graphql"
    finally:
        await server.shutdown(sockets=[listening])


@asynccontextmanager
async def reached(app: Any, way: str) -> AsyncIterator[Any]:
    """A gateway's client of it."""
    if way == "direct":
        yield DirectSubgraphClient(app)
        return
    async with served(app) as address:
        client = HttpSubgraphClient(
            f"http://{address}", subscription_url=f"ws://{address}" if way == "ws" else None
        )
        try:
            yield client
        finally:
            await client.close()


def signed(name: str, sent: bytes, caller: Caller | None, **changes: Any):
    """The headers a gateway sends."""
    context = Context(
        **{
            "audience": name,
            "body": body_hash(sent),
            "issued_at": int(NOW),
            "request_id": "r1",
            "caller": caller,
            "nonce": secrets.token_hex(16),
        }
        | changes
    )
    return [(HEADER, sign_context(context, KEY))]
