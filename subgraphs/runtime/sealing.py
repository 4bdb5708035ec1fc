"""Sealed ids: opaque, deterministic, and bound to the subgraph that issued them.

AES-SIV (RFC 5297) needs no nonce, so the same record always has the same id, and it authenticates:
an id that was altered, or issued by another subgraph, opens to None. The plaintext holds the
record's patient too, so that a record is found again by the searches every server offers
(`patient=…`), and is checked against the caller's compartment, without reading it first.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from contract.keys import derive_key

_SEPARATOR = "\x1f"


class RecordRef(NamedTuple):
    """One record of one source; for a Patient, `patient` is its own id.

    A practitioner or organization belongs to no patient: there it is the number by which other
    sources know it, or empty.
    """

    source: str
    type: str
    id: str
    patient: str


class Seal:
    """Deterministic authenticated encryption of short texts, bound to a purpose."""

    def __init__(self, key: bytes) -> None:
        # AES-256-SIV takes two keys: https://datatracker.ietf.org/doc/html/rfc5297#section-2.2
        self._cipher = AESSIV(derive_key(key, "siv:mac") + derive_key(key, "siv:encrypt"))

    def seal(self, purpose: str, plaintext: bytes) -> str:
        sealed = self._cipher.encrypt(plaintext, [purpose.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, purpose: str, text: str) -> bytes | None:
        sealed = _decode(text)
        if sealed is None:
            return None
        try:
            return self._cipher.decrypt(sealed, [purpose.encode()])
        except (InvalidTag, ValueError):
            return None


class IdSeal:
    """Seals and opens the ids of records."""

    def __init__(self, key: bytes) -> None:
        self._seal = Seal(key)

    def seal(self, subgraph: str, ref: RecordRef) -> str:
        return self._seal.seal(f"id:{subgraph}", _SEPARATOR.join(ref).encode())

    def open(self, subgraph: str, type_: str, text: str) -> RecordRef | None:
        """The record behind an id of this subgraph and type, or None for anything else."""
        plaintext = self._seal.open(f"id:{subgraph}", text)
        if plaintext is None:
            return None
        ref = RecordRef(*plaintext.decode().split(_SEPARATOR))
        return ref if ref.type == type_ else None

    def seal_key(self, purpose: str, plaintext: bytes) -> str:
        """What one subgraph tells another of an entity, as a key of it."""
        return self._seal.seal(f"key:{purpose}", plaintext)

    def open_key(self, purpose: str, text: str) -> bytes | None:
        return self._seal.open(f"key:{purpose}", text)

    def seal_cursor(self, scope: str, position: tuple[str, str]) -> str:
        """A place in a list; it holds dates and ids, so it is sealed like an id."""
        return self._seal.seal(f"cursor:{scope}", _SEPARATOR.join(position).encode())

    def open_cursor(self, scope: str, text: str) -> tuple[str, str] | None:
        plaintext = self._seal.open(f"cursor:{scope}", text)
        if plaintext is None:
            return None
        rank, _, id_ = plaintext.decode().partition(_SEPARATOR)
        return rank, id_


def _decode(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # The last character carries bits that decoding ignores: only the canonical spelling counts.
    canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return raw if canonical == text else None
