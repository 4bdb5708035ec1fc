"""How the inbox is sealed: what it keeps, and the ids that it makes of what senders tell."""

from __future__ import annotations

import hmac
import secrets
from decimal import Decimal
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.keys import derive_key
from subgraphs.connectors.searched import Resource

_NONCE: Final = 12
_ID_LENGTH: Final = 32
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


class InboxUnreadableError(Exception):
    """The store was written with another key, or altered."""

    def __init__(self) -> None:
        super().__init__("the inbox cannot be read with this key")


class Vault:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(derive_key(key, "resources"))
        self._names = derive_key(key, "names")

    def name(self, source: str, *parts: str) -> str:
        """An id for what these parts tell from other things of the source."""
        # Length before text: no two lists of parts read alike.
        told = "".join(f"{len(part)}:{part}" for part in (source, *parts))
        return hmac.new(self._names, told.encode(), "sha256").hexdigest()[:_ID_LENGTH]

    def seal(self, source: str, type_: str, id_: str, resource: Resource) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        plain = _ENCODER.encode(resource)
        return nonce + self._cipher.encrypt(nonce, plain, _place(source, type_, id_))

    def open(self, source: str, type_: str, row: sa.Row[Any]) -> Resource:
        nonce, sealed = row.sealed[:_NONCE], row.sealed[_NONCE:]
        try:
            plain = self._cipher.decrypt(nonce, sealed, _place(source, type_, row.id))
        except (InvalidTag, ValueError):
            raise InboxUnreadableError from None
        opened: Resource = _DECODER.decode(plain)
        return opened


def _place(source: str, type_: str, id_: str) -> bytes:
    return f"{source}/{type_}/{id_}".encode()
