"""TLS of a subgraph that is served alone: on its own port, and to identity.

With a `tls_ca`, whoever asks has to show a certificate that it signed, beside the signed context:
a stolen context key alone then opens nothing, and neither does a place in the network.
"""

from __future__ import annotations

import ssl
from typing import Any

from subgraphs.runtime.settings import RuntimeSettings


class TlsError(Exception):
    """A certificate, key or ca cannot be used; the message names the setting."""


def server_options(settings: RuntimeSettings) -> dict[str, Any]:
    """Of uvicorn. Raises TlsError."""
    if settings.tls_certificate is None:
        if settings.tls_key is not None or settings.tls_ca is not None:
            raise TlsError(
                "CHARTGRAPH_TLS_KEY and CHARTGRAPH_TLS_CA need CHARTGRAPH_TLS_CERTIFICATE"
            )
        return {}
    asks = settings.tls_ca is not None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _load(settings, context)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED if asks else ssl.CERT_NONE
    return {"ssl_context_factory": lambda *_: context}


def client_context(settings: RuntimeSettings) -> ssl.SSLContext:
    """For asking another subgraph: the machine's roots, or the ca alone. Raises TlsError."""
    context = ssl.create_default_context() if settings.tls_ca is None else _bare()
    _load(settings, context)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _bare() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _load(settings: RuntimeSettings, context: ssl.SSLContext) -> None:
    try:
        if settings.tls_ca is not None:
            context.load_verify_locations(settings.tls_ca)
        if settings.tls_certificate is not None:
            context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError):
        raise TlsError(
            "a file of CHARTGRAPH_TLS_CERTIFICATE, CHARTGRAPH_TLS_KEY or CHARTGRAPH_TLS_CA "
            "cannot be used"
        ) from None
