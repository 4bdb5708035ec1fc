"""What of the index lies on disk in clear: the sources' names and times, nothing of a person.

Records are AES-256-GCM ciphertexts bound to their source and id. Ids are sealed too, always alike,
so that they can be looked up: else the file would tell who is whom in which source. Search words
are keyed hashes (a blind index): without the key they tell neither the word nor whether two words
are alike.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.keys import derive_key
from subgraphs.identity.model import PatientResource
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.sealing import Seal

_NONCE = 12
_TOKEN = 16
_MEMBER = "member"


class IndexUnreadableError(Exception):
    """The index was written with another key, or altered: remove it, and it is crawled anew."""

    def __init__(self) -> None:
        super().__init__("the patient index cannot be read with this key: remove it to crawl anew")


class IndexCipher:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(derive_key(key, "records"))
        self._words = derive_key(key, "words")
        self._names = Seal(derive_key(key, "names"))

    def encrypt(self, link: Link, record: PatientResource) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, msgspec.json.encode(record), _bound_to(link))

    def decrypt(self, link: Link, sealed: bytes) -> PatientResource:
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound_to(link))
        except (InvalidTag, ValueError):
            raise IndexUnreadableError from None
        return msgspec.json.decode(plain, type=PatientResource)

    def name(self, link: Link) -> str:
        """What a source's patient is called on disk."""
        return self._names.seal(_MEMBER, _bound_to(link))

    def link(self, name: str) -> Link:
        opened = self._names.open(_MEMBER, name)
        if opened is None:
            raise IndexUnreadableError
        source, _, id_ = opened.decode().partition("/")
        return Link(source, id_)

    def token(self, word: str) -> bytes:
        return hmac.digest(self._words, word.encode(), hashlib.sha256)[:_TOKEN]


def _bound_to(link: Link) -> bytes:
    return f"{link.source}/{link.id}".encode()
