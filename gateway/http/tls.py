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
from gateway.settings import SettingsError
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
    """Of uvicorn: a client may show a certificate, and one that it shows has to be good.

    Raises `SettingsError` where a file cannot be used.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.client_ca is not None:
            context.load_verify_locations(tls.client_ca)
    except (OSError, ssl.SSLError):
        raise SettingsError("the certificate, key or client_ca of tls cannot be used") from None
    options: dict[str, Any] = {"ssl_context_factory": lambda *_: context}
    if tls.client_ca is None:
        return options
    context.verify_mode = ssl.CERT_OPTIONAL
    return {**options, "http": TlsProtocol, "ws": TlsWebSocketProtocol}
