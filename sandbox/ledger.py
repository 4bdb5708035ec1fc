"""Counts what reaches each upstream, so that a promise about the number of calls can be tested.

An HTTP request is one call whatever it carries; the entries of a batch Bundle are counted beside.
A refused connection never arrives and is not counted; a request answered by a fault is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    READ = "read"
    SEARCH = "search"
    CREATE = "create"
    UPDATE = "update"
    BATCH = "batch"
    EXPORT = "export"  # bulk: kick-off, status, files
    METADATA = "metadata"  # CapabilityStatement, SearchParameter, OAuth discovery, keys
    X12 = "x12"
    VISITS = "visits"
    TOKEN = "token"  # noqa: S105 - a kind of call, not a secret
    OPERATION = "operation"  # a POST of Type/$name
    OTHER = "other"


WRITES = frozenset({Kind.CREATE, Kind.UPDATE})
WRITING_OPERATIONS = frozenset({"Claim/$submit"})


@dataclass(frozen=True, slots=True)
class Call:
    kind: Kind
    subject: str  # the resource type, or what stands for it
    entries: tuple[Call, ...] = ()

    @property
    def writes(self) -> bool:
        return (
            self.kind in WRITES
            or self.subject in WRITING_OPERATIONS
            or any(entry.writes for entry in self.entries)
        )


@dataclass(slots=True)
class Ledger:
    calls: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    entries: Counter[tuple[Kind, str]] = field(default_factory=Counter)

    def record(self, call: Call) -> None:
        self.calls[call.kind, call.subject] += 1
        for entry in call.entries:
            self.entries[entry.kind, entry.subject] += 1

    def reset(self) -> None:
        self.calls.clear()
        self.entries.clear()

    def report(self) -> dict[str, object]:
        """`{"total": 3, "calls": {"search": {"Observation": 2}, …}, "batch_entries": {…}}`."""
        return {
            "total": self.calls.total(),
            "calls": _nested(self.calls),
            "batch_entries": _nested(self.entries),
        }


def _nested(counter: Counter[tuple[Kind, str]]) -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = {}
    for (kind, subject), count in sorted(counter.items()):
        nested.setdefault(kind, {})[subject] = count
    return nested
