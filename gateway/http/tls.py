"""TLS of the gateway's own port, with what uvicorn does not tell of it.

An application learns of a client's certificate by ASGI's TLS extension:
https://asgi.readthedocs.io/en/latest/specs/tls.html
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.trust import ServerTls


class TlsProtocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's
        super().connection_made(transport)
        session = transport.get_extra_info("ssl_object")
        shown = session.getpeercert(binary_form=True) if session is not None else None
        chain = [ssl.DER_cert_to_PEM_cert(shown)] if shown else []
        self._extensions = {"tls": {"client_cert_chain": chain}}

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item] # uvicorn knows few


def server_options(tls: ServerTls) -> dict[str, Any]:
    """Of uvicorn: a client may show a certificate, and one that it shows has to be good."""
    asked = {} if tls.client_ca is None else {"ssl_ca_certs": tls.client_ca, "http": TlsProtocol}
    return {
        "ssl_certfile": tls.certificate,
        "ssl_keyfile": tls.key,
        "ssl_cert_reqs": ssl.CERT_NONE if tls.client_ca is None else ssl.CERT_OPTIONAL,
        **asked,
    }
