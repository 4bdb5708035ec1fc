"""A token that is only good together with its client's certificate.

https://www.rfc-editor.org/rfc/rfc8705#section-3
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from gateway.authorization.signed_tokens import invalid

_CERTIFICATE = "x5t#S256"
_DPOP = "jkt"
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def read_binding(claims: Mapping[str, Any]) -> str | None:
    """The thumbprint of the certificate the token is bound to; None of a mere bearer token.

    A token bound otherwise, as by DPoP's `jkt` (RFC 9449), is refused: whoever bound it did not
    mean it to be good without a proof that we cannot check.
    """
    if "cnf" not in claims:
        return None
    confirmation = claims["cnf"]
    if isinstance(confirmation, dict) and _DPOP in confirmation:
        raise invalid("a DPoP proof (cnf.jkt), which is not checked here")
    if not isinstance(confirmation, dict) or confirmation.keys() != {_CERTIFICATE}:
        raise invalid("a proof of possession we do not know")
    thumbprint = confirmation[_CERTIFICATE]
    if not isinstance(thumbprint, str) or _THUMBPRINT.fullmatch(thumbprint) is None:
        raise invalid("a thumbprint that is none")
    return thumbprint


def thumbprint_of(certificate: bytes) -> str:
    """Of a certificate in DER."""
    return base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()).rstrip(b"=").decode()
