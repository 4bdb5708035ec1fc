"""Sealed columns, and the keyed hash by which a patient's rows are found."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.keys import derive_key
from subgraphs.runtime.crosswalk import Link

SealedT = TypeVar("SealedT", bound=msgspec.Struct)

_NONCE = 12
_DIGEST = 16


class Cipher:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(derive_key(key, "records"))
        self._hashes = derive_key(key, "patients")

    def seal(self, bound_to: str, content: msgspec.Struct) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        plain = msgspec.json.encode(content)
        return nonce + self._cipher.encrypt(nonce, plain, bound_to.encode())

    def open(self, bound_to: str, sealed: bytes, type_: type[SealedT]) -> SealedT:
        plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to.encode())
        return msgspec.json.decode(plain, type=type_)

    def patient(self, link: Link) -> str:
        """By which the rows of a source's patient are found, and nobody is named."""
        digest = hmac.digest(self._hashes, "\x1f".join(link).encode(), hashlib.sha256)
        return digest[:_DIGEST].hex()
