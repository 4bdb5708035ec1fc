"""Does the trail still hold everything that was written to it, as it was written?"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select

from contract.audit_chain import (
    START,
    AuditKeys,
    Checkpoint,
    SealedRow,
    UnsealError,
    checkpoint_hash,
    is_signed,
    open_row,
    public_key,
    row_mac,
)
from contract.audit_record import AuditRecord
from gateway.audit.table import CHECKPOINTS, open_database, rows

MAX_GAP = 100
"""How many missing records of one gap are named."""


class Tampering(StrEnum):
    EDITED = "edited"
    DELETED = "deleted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    CHECKPOINTS = "checkpoints"
    """The file of checkpoints itself was changed."""


@dataclass(frozen=True, slots=True)
class Finding:
    what: Tampering
    process: str
    position: int
    """Of the record; for a truncated chain, the first that is missing. 0 where it is unknown."""

    def __str__(self) -> str:
        return f"{self.what}: record {self.position} of process {self.process}"


def verify(home: Path, keys: AuditKeys) -> tuple[Finding, ...]:
    """Everything that does not fit; empty for a trail that is whole."""
    chains = _read_chains(home)
    checkpoints, findings = _read_checkpoints(home, public_key(keys))
    for process in sorted(chains.keys() | checkpoints.keys()):
        findings += _check_chain(
            process, chains.get(process, []), checkpoints.get(process, []), keys
        )
    return tuple(findings)


def read_records(home: Path, keys: AuditKeys) -> Iterator[AuditRecord]:
    """All records that open, each process's in its order."""
    for _, chain in sorted(_read_chains(home).items()):
        for row in chain:
            try:
                yield open_row(row, keys).record
            except UnsealError:
                continue


def _check_chain(
    process: str, chain: Sequence[SealedRow], checkpoints: Sequence[Checkpoint], keys: AuditKeys
) -> list[Finding]:
    findings: list[Finding] = []
    macs: dict[int, bytes | None] = {0: START}
    expected = 1
    for row in chain:
        missing = range(expected, min(row.position, expected + MAX_GAP))
        findings += [Finding(Tampering.DELETED, process, each) for each in missing]
        expected = row.position + 1
        what = _check_row(row, macs.get(row.position - 1), keys)
        if what is not None:
            findings.append(Finding(what, process, row.position))
        # What follows a row that is not what it was is judged by itself.
        macs[row.position] = row.mac if what is None else None
    for checkpoint in checkpoints:
        statement = checkpoint.statement
        if statement.position >= expected:
            findings.append(Finding(Tampering.TRUNCATED, process, expected))
            break
        found = macs.get(statement.position)
        if found is not None and found.hex() != statement.mac:
            findings.append(Finding(Tampering.EDITED, process, statement.position))
    return list(dict.fromkeys(findings))


def _check_row(row: SealedRow, previous: bytes | None, keys: AuditKeys) -> Tampering | None:
    """`previous` is None after a gap, where the MAC cannot be worked out."""
    try:
        entry = open_row(row, keys)
    except UnsealError:
        return Tampering.EDITED
    if entry.position != row.position:
        return Tampering.REORDERED
    if previous is None:
        return None
    mac = row_mac(row.process, row.position, row.sealed, previous, keys.chain)
    return None if hmac.compare_digest(mac, row.mac) else Tampering.EDITED


def _read_chains(home: Path) -> dict[str, list[SealedRow]]:
    chains: dict[str, list[SealedRow]] = defaultdict(list)
    engine = open_database(home)
    with engine.connect() as connection:
        for row in connection.execute(select(rows).order_by(rows.c.process, rows.c.position)):
            chains[row.process].append(SealedRow(*row))
    engine.dispose()
    return chains


def _read_checkpoints(
    home: Path, public: Ed25519PublicKey
) -> tuple[dict[str, list[Checkpoint]], list[Finding]]:
    path = home / CHECKPOINTS
    by_process: dict[str, list[Checkpoint]] = defaultdict(list)
    findings: list[Finding] = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            checkpoint = msgspec.json.decode(line, type=Checkpoint)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            findings.append(Finding(Tampering.CHECKPOINTS, "", 0))
            continue
        statement = checkpoint.statement
        before = by_process[statement.process]
        previous = checkpoint_hash(before[-1]) if before else ""
        if not is_signed(checkpoint, public) or statement.previous != previous:
            findings.append(Finding(Tampering.CHECKPOINTS, statement.process, statement.position))
        before.append(checkpoint)
    return by_process, findings
