"""Keys derived from one master secret, each for one purpose. RFC 5869 (HKDF, SHA-256).

On one machine every key comes from the master secret of its folder; in a distributed deployment
each process is given only the keys it needs. Purposes in use: `context:<subgraph>`,
`access-facts`, `seal:ids`, `seal:links`, `store:<name>`, `audit:chain`, `audit:seal`, `cache`.
"""

from __future__ import annotations

import hashlib
import hmac

KEY_BYTES = 32


def derive_key(master: bytes, purpose: str) -> bytes:
    extracted = hmac.digest(b"chartgraph/1", master, hashlib.sha256)
    return hmac.digest(extracted, purpose.encode() + b"\x01", hashlib.sha256)
