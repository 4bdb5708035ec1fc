"""The certificate a client showed: to us, or to whoever ends TLS in front of us."""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from gateway.authorization.binding import thumbprint_of
from gateway.cache.lru import LruCache
from gateway.settings import Settings

KNOWN = 1_000
MAX_LENGTH = 8_192
# https://www.rfc-editor.org/rfc/rfc9440#section-2.1, https://www.rfc-editor.org/rfc/rfc8941#section-3.3.5
_BYTE_SEQUENCE = re.compile(rb":[A-Za-z0-9+/]+=*:")
_PEM = b"-----BEGIN"


class ShownCertificates:
    def __init__(self, settings: Settings) -> None:
        self._passed_on = settings.client_certificates
        self._own = settings.tls is not None and settings.tls.client_ca is not None
        self.wanted = self._own or self._passed_on is not None
        """Whether looking for one can find any."""
        self._thumbprints: LruCache[bytes, str] = LruCache(KNOWN)

    def thumbprint(self, scope: MutableMapping[str, Any]) -> str | None:
        """That of the client's certificate, if it showed one and we believe who says so."""
        if self._own and (shown := _shown_to_us(scope)) is not None:
            return self._thumbprint(shown)
        passed_on = self._passed_on
        if passed_on is None:
            return None
        name = passed_on.header_bytes
        values = [value for each, value in scope["headers"] if each == name]
        # Of two, one may be the client's own.
        if len(values) != 1 or not passed_on.trusts(_peer(scope)):
            return None
        return self._thumbprint(values[0])

    def _thumbprint(self, written: bytes) -> str | None:
        if len(written) > MAX_LENGTH:
            return None
        known = self._thumbprints.get(written)
        if known is None:
            der = _read(written)
            if der is None:
                return None
            known = thumbprint_of(der)
            self._thumbprints.put(written, known)
        return known


def _peer(scope: MutableMapping[str, Any]) -> str | None:
    """Its address, or None at a unix socket.

    Who has hung up has no address either, hence the look at where we listen ourselves.
    https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope
    """
    client, server = scope.get("client"), scope.get("server")
    if client is not None:
        return str(client[0])
    return None if server is not None and server[1] is None else ""


def _shown_to_us(scope: MutableMapping[str, Any]) -> bytes | None:
    """https://asgi.readthedocs.io/en/latest/specs/tls.html"""
    chain = scope.get("extensions", {}).get("tls", {}).get("client_cert_chain") or [None]
    return chain[0].encode() if chain[0] else None


def _read(written: bytes) -> bytes | None:
    """DER, of a byte sequence of structured fields or of PEM that may be percent-encoded."""
    try:
        if _BYTE_SEQUENCE.fullmatch(written):
            return base64.b64decode(written[1:-1], validate=True)
        pem = unquote_to_bytes(written)
        return ssl.PEM_cert_to_DER_cert(pem.decode("ascii")) if pem.startswith(_PEM) else None
    except (binascii.Error, ValueError):
        return None
