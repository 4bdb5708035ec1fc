"""How records are sealed and chained, and what a checkpoint says; for who writes and who reads.

Each process has a chain of its own. A row's MAC covers the row before it, so that one that was
edited, moved or taken out does not fit any more. Nothing in a chain can tell that its end is
missing; that is what checkpoints are for: a signed statement of how far a chain had come, kept in a
file of its own, which should be copied out of reach. (45 CFR 164.312(b) and (c))
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.audit_record import AuditRecord

DATABASE = "audit.sqlite"
"""In the gateway's folder: the table `audit`, whose columns are those of a `SealedRow`."""
NONCE_BYTES = 12
START = b"\0" * 32
"""Stands where the MAC of the row before the first would be."""


class AuditKeys(msgspec.Struct, frozen=True):
    chain: bytes
    seal: bytes
    checkpoint: bytes
    """Seed of an Ed25519 key: its public half is enough to check what was signed."""


def audit_keys(key: Callable[[str], bytes]) -> AuditKeys:
    """`key` gives the key for a purpose."""
    return AuditKeys(key("audit:chain"), key("audit:seal"), key("audit:checkpoint"))


def reading_keys(key: Callable[[str], bytes]) -> AuditKeys:
    """For who reads records and signs no checkpoint."""
    return AuditKeys(key("audit:chain"), key("audit:seal"), b"")


class SealedRow(msgspec.Struct, frozen=True):
    """As it is stored."""

    process: str
    position: int
    """1, 2, 3, … in its process."""
    sealed: bytes
    mac: bytes


class Entry(msgspec.Struct, frozen=True):
    """What is inside a seal: a record that knows its place."""

    position: int
    record: AuditRecord


class Statement(msgspec.Struct, frozen=True):
    process: str
    position: int
    mac: str
    at: float
    previous: str
    """SHA-256 of the process's checkpoint before this one; empty for its first."""
    closed: bool = False
    """The process ended here in good order."""


class Checkpoint(msgspec.Struct, frozen=True):
    statement: Statement
    signature: str


class UnsealError(Exception):
    """A row that does not open: it is not what was written, or not there."""


def seal_row(
    record: AuditRecord, process: str, position: int, previous: bytes, keys: AuditKeys
) -> SealedRow:
    nonce = os.urandom(NONCE_BYTES)
    plain = msgspec.json.encode(Entry(position, record))
    sealed = nonce + AESGCM(keys.seal).encrypt(nonce, plain, process.encode())
    return SealedRow(
        process, position, sealed, row_mac(process, position, sealed, previous, keys.chain)
    )


def open_row(row: SealedRow, keys: AuditKeys) -> Entry:
    nonce, ciphertext = row.sealed[:NONCE_BYTES], row.sealed[NONCE_BYTES:]
    try:
        plain = AESGCM(keys.seal).decrypt(nonce, ciphertext, row.process.encode())
        return msgspec.json.decode(plain, type=Entry)
    except (InvalidTag, ValueError, msgspec.MsgspecError):
        raise UnsealError from None


def row_mac(process: str, position: int, sealed: bytes, previous: bytes, key: bytes) -> bytes:
    head = f"{process}\n{position}\n".encode()
    return hmac.digest(key, head + previous + hashlib.sha256(sealed).digest(), "sha256")


def sign_statement(statement: Statement, keys: AuditKeys) -> Checkpoint:
    private = Ed25519PrivateKey.from_private_bytes(keys.checkpoint)
    return Checkpoint(statement, private.sign(msgspec.json.encode(statement)).hex())


def is_signed(checkpoint: Checkpoint, public: Ed25519PublicKey) -> bool:
    try:
        public.verify(
            bytes.fromhex(checkpoint.signature), msgspec.json.encode(checkpoint.statement)
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def checkpoint_hash(checkpoint: Checkpoint) -> str:
    return hashlib.sha256(msgspec.json.encode(checkpoint)).hexdigest()


def public_key(keys: AuditKeys) -> Ed25519PublicKey:
    return Ed25519PrivateKey.from_private_bytes(keys.checkpoint).public_key()
