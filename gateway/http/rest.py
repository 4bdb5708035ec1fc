"""Everything but `/graphql`: health, metrics, the page for developers and the plans it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp

from gateway.departure import ClientGoneError
from gateway.errors import GatewayError
from gateway.http.graphiql import PageConfig, graphiql_app
from gateway.http.graphql import GraphQLEndpoint
from gateway.settings import Settings
from gateway.telemetry import Metrics, new_request_id

UNREADY = 503
GONE = 499
"""Of a request that was broken off: nobody reads it."""


class Served(Protocol):
    settings: Settings
    metrics: Metrics
    graphql: GraphQLEndpoint
    reload_refused: bool

    async def checks(self) -> Mapping[str, bool]: ...


def rest_app(served: Served, page: PageConfig | None, mounts: Mapping[str, ASGIApp]) -> FastAPI:
    app = FastAPI(title="Chartgraph gateway", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process is alive. Whether it can do its work is for `/ready` to say."""
        return {"status": "ok"}

    @app.get("/ready")
    async def ready() -> JSONResponse:
        checks = await served.checks()
        ok = all(checks.values())
        # A file that is bad keeps nobody from being answered by the one before it.
        reload = "refused" if served.reload_refused else "taken"
        body = {"status": "ready" if ok else "unready", "checks": dict(checks), "reload": reload}
        return JSONResponse(body, status_code=200 if ok else UNREADY)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(served.metrics.expose(), media_type=CONTENT_TYPE_LATEST)

    for path, mounted in mounts.items():
        app.mount(path, mounted)
    if served.settings.open:
        _serve_developers(app, served, page or PageConfig(plan_url="/plan"))
    return app


def _serve_developers(app: FastAPI, served: Served, page: PageConfig) -> None:
    @app.get("/")
    async def root() -> RedirectResponse:
        return RedirectResponse("/graphiql/")

    @app.post("/plan")
    async def plan(request: Request) -> Response:
        """How a GraphQL request would be answered for whoever asks; nothing is fetched."""
        try:
            asked = await served.graphql.read(request.scope, request.receive)
            explained = await served.graphql.pipeline().explain(asked)
        except ClientGoneError:
            return Response(status_code=GONE)
        except GatewayError as error:
            errors = error.render(new_request_id())
            return JSONResponse({"errors": errors}, status_code=error.status)
        return JSONResponse(explained)

    app.mount("/graphiql", graphiql_app(page))
