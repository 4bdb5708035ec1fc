"""A subgraph nobody here wrote: Strawberry's own ASGI application, over HTTP and WebSockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import strawberry
import uvicorn
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL

listening: set[object] = set()
"""Subscriptions under way."""
PROTOCOLS = [GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL]


@strawberry.federation.type(keys=["id"])
class Patient:
    id: strawberry.ID
    name: str | None


@strawberry.type
class Query:
    patient: Patient | None = None


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def patient_changed(
        self,
        id: strawberry.ID,  # noqa: A002 - the argument's name
        times: int | None = None,
    ) -> AsyncGenerator[Patient | None, None]:
        me, number = object(), 0
        listening.add(me)
        try:
            while times is None or number < times:
                yield Patient(id=id, name=f"Lovelace {number}")
                number += 1
                await asyncio.sleep(0.005)
        finally:
            listening.discard(me)


SCHEMA = strawberry.federation.Schema(Query, subscription=Subscription)


@asynccontextmanager
async def foreign_subgraph() -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """Its address, without a scheme."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = GraphQL(SCHEMA, subscription_protocols=PROTOCOLS)
    config = uvicorn.Config(app, ws="websockets-sansio", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}/", server
    finally:
        server.force_exit = True
        for task in server.server_state.tasks:
            task.cancel()
        await server.shutdown(sockets=[listening])
