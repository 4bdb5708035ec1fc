"""`chartgraph audit`: the trail of a home folder, opened with its keys."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from contract.audit_chain import DATABASE, AuditKeys, audit_keys
from contract.audit_record import AuditRecord
from gateway.audit.balp import AuditEvent, audit_events
from gateway.audit.table import CHECKPOINTS
from gateway.audit.verify import Finding, read_records, verify
from gateway.settings import load_settings


class TrailError(Exception):
    """There is no trail where one was looked for."""


@dataclass(frozen=True, slots=True)
class Trail:
    home: Path
    keys: AuditKeys

    def verify(self) -> tuple[Finding, ...]:
        return verify(self.home, self.keys)

    def count(self) -> int:
        return sum(1 for _ in read_records(self.home, self.keys))

    def events(
        self, patient: str | None, since: datetime | None, until: datetime | None
    ) -> Iterator[AuditEvent]:
        """Of all records that open; with a `patient`, the reads of that one alone."""
        first, last = _timestamp(since, float("-inf")), _timestamp(until, float("inf"))
        for record in read_records(self.home, self.keys):
            if first <= record.recorded_at < last and (not patient or patient in record.patients):
                yield from audit_events(_about(record, patient) if patient else record)


def open_trail(home: Path) -> Trail:
    """Raises `TrailError`, or `SettingsError` where a key is missing."""
    if not (home / DATABASE).exists() and not (home / CHECKPOINTS).exists():
        raise TrailError(f"there is no audit trail in {home}")
    return Trail(home, audit_keys(load_settings(home=home).key))


def export_to(output: Path | None, events: Iterable[AuditEvent]) -> int:
    """Write them one a line; how many there were."""
    if output is None:
        return _write(sys.stdout.buffer, events)
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with closing(os.fdopen(handle, "wb")) as file:
        return _write(file, events)


def _write(file: BinaryIO, events: Iterable[AuditEvent]) -> int:
    count = 0
    for event in events:
        file.write(msgspec.json.encode(event) + b"\n")
        count += 1
    file.flush()
    return count


def _about(record: AuditRecord, patient: str) -> AuditRecord:
    return msgspec.structs.replace(record, patients=(patient,))


def _timestamp(moment: datetime | None, default: float) -> float:
    return default if moment is None else moment.replace(tzinfo=UTC).timestamp()
