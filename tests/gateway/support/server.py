"""A gateway on a port of loopback, in the test's own event loop."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from gateway.__main__ import server_config
from gateway.app import GatewayApp
from gateway.http.server import DrainingServer


@asynccontextmanager
async def served(app: GatewayApp, config: uvicorn.Config | None = None) -> AsyncIterator[str]:
    """Its address; the server is of the kind and the settings that `python -m gateway` starts."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = config or server_config(app, app.settings, log_level="error")
    server = DrainingServer(config, app.drain)
    config.load()
    server.lifespan = config.lifespan_class(config)
    # Not `serve`, whose loop looks for signals and takes a tenth of a second to end.
    await server.startup(sockets=[listening])
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await server.shutdown(sockets=[listening])
