"""The page of identity stewards: the queue of reviews, two records side by side, one decision.

Static files that use the gateway's own GraphQL API with the steward's token. The token lives in the
page's memory alone; nothing of a person is in an address, and nothing is kept by the browser.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schema import OPERATIONS

PATH: Final = "/steward"
PERSONA: Final = "steward"
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_TYPES: Final = {
    "index.html": "text/html; charset=utf-8",
    "steward.css": "text/css; charset=utf-8",
    "steward.js": "text/javascript; charset=utf-8",
}


def steward_page(token_url: str | None) -> Starlette:
    """Mounted at `PATH`; without a `token_url` the steward brings a token of their own."""
    config = {
        "endpoint": "/graphql",
        "tokenUrl": token_url,
        "persona": PERSONA,
        "reviews": _operation("identity-reviews"),
        "decide": _operation("decide-identity-review"),
    }

    async def page(_request: Request) -> Response:
        return _file("index.html")

    async def file(request: Request) -> Response:
        return _file(request.path_params["name"])

    async def configured(_request: Request) -> Response:
        return JSONResponse(config, headers=_HEADERS)

    return Starlette(
        routes=[
            Route("/config.json", configured),
            Route("/{name}", file),
            Route("/", page),
        ]
    )


def _file(name: str) -> Response:
    if name not in _TYPES:
        return Response(status_code=404, headers=_HEADERS)
    content = files(__package__).joinpath(name).read_bytes()
    return Response(content, media_type=_TYPES[name], headers=_HEADERS)


def _operation(name: str) -> str:
    return (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")
