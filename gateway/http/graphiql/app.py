"""The ASGI application that serves the page, its assets and its configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.graphiql.assets import Asset, page_assets
from gateway.http.graphiql.config import PageConfig

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self' blob:; "
    # The editor places its lines with style attributes.
    "style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

_Answer: TypeAlias = tuple[int, list[tuple[bytes, bytes]], bytes]

_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def graphiql_app(config: PageConfig) -> ASGIApp:
    """GraphiQL under the path it is mounted at: the page at `/`, its configuration beside it.

    Only names the archive holds are answered, so no path leads out of it.
    """
    replies = {f"/{name}": _asset_reply(asset) for name, asset in page_assets().items()}
    replies["/"] = replies["/index.html"]
    replies["/config.json"] = _Reply(
        content_type="application/json",
        cache_control="no-store",
        body=msgspec.json.encode(config),
    )
    served = MappingProxyType(replies)

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        status, headers, body = _answer(scope, served)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


@dataclass(frozen=True, slots=True)
class _Reply:
    content_type: str
    cache_control: str
    body: bytes | Asset

    def encoded(self, *, gzip: bool) -> tuple[bytes, bytes]:
        """The body and its content-encoding, empty for none."""
        if isinstance(self.body, bytes):
            return self.body, b""
        return (self.body.gzipped, b"gzip") if gzip else (self.body.plain(), b"")


def _asset_reply(asset: Asset) -> _Reply:
    return _Reply(
        content_type=asset.content_type,
        cache_control="public, max-age=31536000, immutable" if asset.hashed_name else "no-cache",
        body=asset,
    )


def _answer(scope: Scope, replies: Mapping[str, _Reply]) -> _Answer:
    if scope["method"] not in {"GET", "HEAD"}:
        return _plain(405, b"Only GET and HEAD are answered here.", (b"allow", b"GET, HEAD"))
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    if path == "":
        # The page's own addresses are relative to a folder.
        folder = scope["path"].rpartition("/")[2]
        return _plain(307, b"", (b"location", f"{folder}/".encode()))
    reply = replies.get(path)
    if reply is None:
        return _plain(404, b"GraphiQL has no such file.")
    body, encoding = reply.encoded(gzip=_accepts_gzip(scope["headers"]))
    headers = [
        *_HEADERS,
        (b"content-type", reply.content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", reply.cache_control.encode()),
        (b"vary", b"accept-encoding"),
    ]
    if encoding:
        headers.append((b"content-encoding", encoding))
    return 200, headers, b"" if scope["method"] == "HEAD" else body


def _plain(status: int, body: bytes, *more: tuple[bytes, bytes]) -> _Answer:
    length = str(len(body)).encode()
    plain = (b"content-type", b"text/plain; charset=utf-8")
    return status, [*_HEADERS, plain, (b"content-length", length), *more], body


def _accepts_gzip(headers: list[tuple[bytes, bytes]]) -> bool:
    """https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3, of which a weight of zero means no."""
    accepted: dict[bytes, bool] = {}
    for name, value in headers:
        if name == b"accept-encoding":
            for choice in value.lower().split(b","):
                coding, _, weight = (part.strip() for part in choice.partition(b";"))
                accepted[coding] = weight.removeprefix(b"q=").strip(b"0.") != b"" or weight == b""
    return accepted.get(b"gzip", accepted.get(b"*", False))
