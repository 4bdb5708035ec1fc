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
from collections.abc import Iterable, Sequence
from functools import lru_cache
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
_REMEMBERED = 100_000
_BLOCK = hashlib.sha256().block_size
_TOKEN = struct.Struct("<q")
_MEMBER = "member"


class IndexUnreadableError(Exception):
    """The index was written with another key, or altered: remove it, and it is crawled anew."""

    def __init__(self) -> None:
        super().__init__("the patient index cannot be read with this key: remove it to crawl anew")


class IndexCipher:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(derive_key(key, "records"))
        self._tokens = _Keyed(derive_key(key, "tokens"))
        self._word = lru_cache(_REMEMBERED)(self._tokens.token)
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
        return self._tokens.token(word)

    def tokens(self, words: Iterable[str]) -> list[int]:
        return sorted({self._tokens.token(word) for word in words})

    def word_tokens(self, words: Iterable[str]) -> list[int]:
        """The same, of words that come again and again: the beginnings of names."""
        return sorted({self._word(word) for word in words})

    def digest(self, content: msgspec.Struct) -> bytes:
        """Tells whether a record is still the same."""
        plain = msgspec.json.encode(content)
        return hmac.digest(self._digests, plain, hashlib.sha256)[:_DIGEST]


class _Keyed:
    """HMAC-SHA-256 whose two keyed beginnings are worked out once: there are many short words.

    https://datatracker.ietf.org/doc/html/rfc2104#section-4
    """

    def __init__(self, key: bytes) -> None:
        block = key.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def token(self, word: str) -> int:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(word.encode())
        outer.update(inner.digest())
        (token,) = _TOKEN.unpack_from(outer.digest())
        return int(token)


def pack(tokens: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(tokens)}q", *tokens)


def unpack(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(packed) // _TOKEN.size}q", packed)
