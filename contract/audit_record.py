"""What is written down about one answered operation, before its answer leaves.

The gateway writes it, governance reads it.
"""

from __future__ import annotations

import msgspec

from contract.access import GlassUse, Refusal
from contract.context import Caller
from contract.errors import Code


class AuditRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Holds PHI, so it is only ever stored sealed."""

    request_id: str
    recorded_at: float
    """Seconds since 1970."""
    kind: str
    """`query`, `mutation` or `subscription`; of the last, each event is an operation answered."""
    operation_name: str | None
    operation_hash: str
    """SHA-256 of the document."""
    request: str
    """The document and its variables as JSON: what was asked, to the letter."""
    caller: Caller | None
    patients: tuple[str, ...] = ()
    """Everyone whose records were read for it, by enterprise id, sorted."""
    refusals: tuple[Refusal, ...] = ()
    """Records that subgraphs withheld."""
    denials: tuple[str, ...] = ()
    """Fields that were refused before anything was fetched: `Patient.ssn`, sorted."""
    broken: tuple[GlassUse, ...] = ()
    """What was seen under a break-glass grant, sorted."""
    codes: tuple[Code, ...] = ()
    """Of the errors in the answer, each once."""
