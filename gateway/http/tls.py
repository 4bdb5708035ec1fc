"""TLS of the gateway's own port, with what uvicorn does not tell of it.

An application learns of a client's certificate by ASGI's TLS extension:
https://asgi.readthedocs.io/en/latest/specs/tls.html
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from gateway.http.protocol import GatewayProtocol
from gateway.http.server import WebSocketProtocol
from gateway.trust import ServerTls


class TlsProtocol(GatewayProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's
        super().connection_made(transport)
        self._shown = _shown(transport)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"tls": self._shown}


class TlsWebSocketProtocol(WebSocketProtocol):
    async def run_asgi(self) -> None:
        extensions: dict[str, Any] = {"tls": _shown(self.transport), **self.scope["extensions"]}
        self.scope["extensions"] = extensions
        await super().run_asgi()


def _shown(transport: asyncio.Transport) -> dict[object, object]:
    session = transport.get_extra_info("ssl_object")
    shown = session.getpeercert(binary_form=True) if session is not None else None
    return {"client_cert_chain": [ssl.DER_cert_to_PEM_cert(shown)] if shown else []}


def server_options(tls: ServerTls) -> dict[str, Any]:
    """Of uvicorn: a client may show a certificate, and one that it shows has to be good."""
    asked: dict[str, Any] = {}
    if tls.client_ca is not None:
        asked = {
            "ssl_ca_certs": tls.client_ca,
            "http": TlsProtocol,
            "ws": TlsWebSocketProtocol,
        }
    return {
        "ssl_certfile": tls.certificate,
        "ssl_keyfile": tls.key,
        "ssl_cert_reqs": ssl.CERT_NONE if tls.client_ca is None else ssl.CERT_OPTIONAL,
        **asked,
    }
