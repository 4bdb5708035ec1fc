"""The gateway as one ASGI application: a bare handler for `/graphql`, FastAPI for all the rest.

What requests need is built when the server starts (ASGI's lifespan) and closed when it stops.
FastAPI takes longer to import than everything else together, so it comes with the first request
that needs it, and a gateway serves `/graphql` well within a second of its start.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from contract.errors import Code
from gateway.assembly import Assembly, assemble
from gateway.errors import BusyError
from gateway.execution.client import SubgraphClient
from gateway.federation.errors import SupergraphError
from gateway.http.asgi import Receive, Scope, Send
from gateway.http.graphql import GraphQLEndpoint
from gateway.http.websocket import WebSocketEndpoint
from gateway.pipeline import Pipeline
from gateway.rollout import DecideLabel
from gateway.settings import Settings, SettingsError
from gateway.telemetry import Metrics, log

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from gateway.http.graphiql import PageConfig

GRAPHQL = "/graphql"
RETIRING_SECONDS = 1.0
YOUNG_OBJECTS = 10_000
"""That many more than there were before the collector looks; a request leaves few cycles."""
Check: TypeAlias = Callable[[], Awaitable[bool]]


def create_app(
    settings: Settings,
    clients: Mapping[str, SubgraphClient] | None = None,
    *,
    page: PageConfig | None = None,
    mounts: Mapping[str, ASGIApp] | None = None,
    checks: Mapping[str, Check] | None = None,
    decide_label: DecideLabel | None = None,
    alone: bool = False,
    worker: int | None = None,
) -> GatewayApp:
    """`clients` reach subgraphs otherwise than by the supergraph's addresses, by their names.

    `page` is what GraphiQL is told; `mounts` are applications served beside ours, by path; `checks`
    have to hold, beside our own, before the gateway calls itself ready. `decide_label` is
    asked about override labels that tell no share and for which the settings tell none. `alone`
    says that the process serves nothing else, so that its memory is ours to arrange.
    """
    return GatewayApp(
        settings,
        clients or {},
        page,
        mounts or {},
        checks or {},
        decide_label=decide_label,
        alone=alone,
        worker=worker,
    )


class GatewayApp:
    def __init__(
        self,
        settings: Settings,
        clients: Mapping[str, SubgraphClient],
        page: PageConfig | None,
        mounts: Mapping[str, ASGIApp],
        checks: Mapping[str, Check],
        *,
        decide_label: DecideLabel | None,
        alone: bool,
        worker: int | None,
    ) -> None:
        self.settings = settings
        self.metrics = Metrics(worker)
        self.assembly: Assembly | None = None
        self.reload_refused = False
        """Whether the files as they are now are bad, so that what was read before is served."""
        self.metrics.reload_refused.set_function(lambda: self.reload_refused)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clients = clients
        self._page = page
        self._mounts = mounts
        self._checks = checks
        self._decide_label = decide_label
        self._alone = alone
        self.graphql = GraphQLEndpoint(settings, self._pipeline, self.metrics)
        self.sockets = WebSocketEndpoint(
            settings, self._pipeline, self.metrics, self.graphql.places, self.graphql.streams
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == GRAPHQL:
            await self.graphql(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket" and scope["path"] == GRAPHQL:
            await self.sockets(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    async def start(self) -> None:
        """Raises `SupergraphError` or `SettingsError`, with what to mend."""
        self.assembly = await assemble(
            self.settings, self._clients, self.metrics, self._decide_label
        )
        self._loop = asyncio.get_running_loop()
        if self._alone:
            _settle()

    async def reload(self) -> None:
        """Serve supergraph, policies and roles as their files are now.

        Bad ones are not taken, which the log, `/ready` and a metric tell.
        """
        assert self.assembly is not None, "it has been started"
        try:
            await self.assembly.reload()
        except (SupergraphError, SettingsError) as error:
            self.reload_refused = True
            log.error("reload_refused", reason=str(error))
        except Exception as error:  # noqa: BLE001 - no one waits for a signal's handler
            self.reload_refused = True
            log.error("reload_failed", exc_info=error)
        else:
            self.reload_refused = False
            log.info("reloaded")
            if self._alone:
                # Until then requests under way may hold the old schema.
                retired = self.settings.subgraph_timeout + RETIRING_SECONDS
                asyncio.get_running_loop().call_later(retired, _settle)

    def reload_soon(self) -> None:
        """For a signal's handler: `reload`, in the loop that serves."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self.reload(), self._loop)

    def drain(self) -> None:
        """Before the server stops: what would go on for long is told to end."""
        if self.assembly is not None:
            self.assembly.pipeline.retire(BusyError(Code.SHUTTING_DOWN))

    async def stop(self) -> None:
        if self.assembly is not None:
            self._loop = None
            await self.assembly.close()
            self.assembly = None

    async def checks(self) -> Mapping[str, bool]:
        """What has to hold for a request to be answered well, by name."""
        if self.assembly is None:
            return {"schema": False}
        given = {name: await holds() for name, holds in self._checks.items()}
        return {**await self.assembly.checks(), **given}

    def _pipeline(self) -> Pipeline:
        assert self.assembly is not None, "requests come between start and stop"
        return self.assembly.pipeline

    @cached_property
    def _rest(self) -> ASGIApp:
        from gateway.http.rest import rest_app  # noqa: PLC0415 - imports FastAPI; see above

        return rest_app(self, self._page, self._mounts)

    async def _live(self, receive: Receive, send: Send) -> None:
        """https://asgi.readthedocs.io/en/latest/specs/lifespan.html"""
        await receive()
        try:
            await self.start()
        except Exception as error:  # noqa: BLE001 - the server is told, and stops
            if not isinstance(error, SupergraphError | SettingsError):
                log.error("start_failed", exc_info=error)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _settle() -> None:
    """What there is now stays for long: the collector is spared walking it again and again.

    Measured at 50 requests at a time, that is a fifth of what a request costs. What was set aside
    before is looked at once, else a schema that was exchanged would never be freed.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
