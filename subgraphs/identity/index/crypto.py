"""What of the index lies on disk in clear: the sources' names and times, nothing of a person.

Records are AES-256-GCM ciphertexts bound to their source and id. Ids are sealed too, always alike,
so that they can be looked up: else the file would tell who is whom in which source. Search words
and block keys are keyed hashes (a blind index): without the key they tell neither the word nor
whether two words are alike.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from collections.abc import Iterable
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.keys import derive_key
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.sealing import Seal

SealedT = TypeVar("SealedT", bound=msgspec.Struct)

_NONCE = 12
_DIGEST = 16
_MEMBER = "member"


class IndexUnreadableError(Exception):
    """The index was written with another key, or altered: remove it, and it is crawled anew."""

    def __init__(self) -> None:
        super().__init__("the patient index cannot be read with this key: remove it to crawl anew")


class IndexCipher:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(derive_key(key, "records"))
        self._tokens = derive_key(key, "tokens")
        self._digests = derive_key(key, "digests")
        self._names = Seal(derive_key(key, "names"))

    def encrypt(self, bound_to: str, content: msgspec.Struct) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        plain = msgspec.json.encode(content)
        return nonce + self._cipher.encrypt(nonce, plain, bound_to.encode())

    def decrypt(self, bound_to: str, sealed: bytes, type_: type[SealedT]) -> SealedT:
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to.encode())
        except (InvalidTag, ValueError):
            raise IndexUnreadableError from None
        return msgspec.json.decode(plain, type=type_)

    def name(self, link: Link) -> str:
        """What a source's patient is called on disk."""
        return self._names.seal(_MEMBER, f"{link.source}/{link.id}".encode())

    def link(self, name: str) -> Link:
        opened = self._names.open(_MEMBER, name)
        if opened is None:
            raise IndexUnreadableError
        source, _, id_ = opened.decode().partition("/")
        return Link(source, id_)

    def token(self, word: str) -> int:
        """64 bits, as databases count: two words that share one cost a comparison, no more."""
        (token,) = struct.unpack_from("<q", hmac.digest(self._tokens, word.encode(), "sha256"))
        return int(token)

    def tokens(self, words: Iterable[str]) -> list[int]:
        return sorted({self.token(word) for word in words})

    def digest(self, content: msgspec.Struct) -> bytes:
        """Tells whether a record is still the same."""
        plain = msgspec.json.encode(content)
        return hmac.digest(self._digests, plain, hashlib.sha256)[:_DIGEST]


def pack(tokens: Iterable[int]) -> bytes:
    return b"".join(struct.pack("<q", token) for token in tokens)


def unpack(packed: bytes) -> list[int]:
    return [token for (token,) in struct.iter_unpack("<q", packed)]
