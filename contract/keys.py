"""Keys, each for one purpose: derived from one master secret, or given one by one.

On one machine every key comes from the master secret of its folder; in a distributed deployment
each process is given only the keys it needs, in variables named `CHARTGRAPH_KEY_<PURPOSE>`, for
example `CHARTGRAPH_KEY_CONTEXT_RECORDS` for `context:records`. Purposes in use:
`context:<subgraph>`, `access-facts`, `seal:ids`, `seal:links`, `store:<name>`, `events`,
`audit:chain`, `audit:seal`, `audit:checkpoint`, `cache`. A second key in rotation ends in `_NEXT`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping

KEY_BYTES = 32
VARIABLE = "CHARTGRAPH_KEY_"


class KeyMissingError(Exception):
    """A key this process needs was not given to it, or is not 32 bytes in base64."""


class KeyRing:
    """The keys of one process, by purpose."""

    def __init__(self, master: bytes | None, environment: Mapping[str, str]) -> None:
        self._master = master
        self._given = {
            name: decode_key(name, value)
            for name, value in environment.items()
            if name.startswith(VARIABLE)
        }

    def __repr__(self) -> str:
        return "KeyRing(…)"

    def key(self, purpose: str) -> bytes:
        given = self._given.get(key_variable(purpose))
        if given is not None:
            return given
        if self._master is None:
            raise KeyMissingError(f"{key_variable(purpose)} is not set and there is no master key")
        return derive_key(self._master, purpose)

    def rotation(self, purpose: str) -> dict[str, bytes]:
        """The keys accepted for a purpose, by key id: the present one and, if given, the next."""
        keys = {"1": self.key(purpose)}
        following = self._given.get(key_variable(purpose) + "_NEXT")
        return keys if following is None else {**keys, "2": following}


def derive_key(master: bytes, purpose: str) -> bytes:
    """HKDF with SHA-256. https://www.rfc-editor.org/rfc/rfc5869"""
    extracted = hmac.digest(b"chartgraph/1", master, hashlib.sha256)
    return hmac.digest(extracted, purpose.encode() + b"\x01", hashlib.sha256)


def key_variable(purpose: str) -> str:
    """The variable that holds the key for a purpose."""
    return VARIABLE + re.sub(r"[^A-Za-z0-9]", "_", purpose).upper()


def decode_key(name: str, text: str) -> bytes:
    """A key as a variable holds it; `name` is what a complaint calls it."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise KeyMissingError(f"{name} is not base64") from None
    if len(key) != KEY_BYTES:
        raise KeyMissingError(f"{name} does not hold {KEY_BYTES} bytes")
    return key
