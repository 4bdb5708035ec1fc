"""A bearer token as it comes in a header. https://www.rfc-editor.org/rfc/rfc6750#section-2.1"""

from __future__ import annotations

import hashlib
from typing import Final

_SCHEME: Final = "bearer "


def read_bearer(authorization: str) -> str | None:
    """The token; None where the header is of another scheme."""
    if authorization[: len(_SCHEME)].lower() != _SCHEME:
        return None
    return authorization[len(_SCHEME) :].strip()


def digest_of(token: str) -> bytes:
    """What it is remembered by: its SHA-256. It has been checked to be ASCII."""
    return hashlib.sha256(token.encode()).digest()
