"""What an export has brought: its files, by type. https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status"""

from __future__ import annotations

import re

import msgspec

from subgraphs.connectors.errors import ProtocolViolation

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class File(msgspec.Struct, frozen=True):
    url: str = msgspec.field()
    type: str = ""
    count: int | None = None
    """Resources in it, where the server says."""

    def __repr__(self) -> str:
        # An address may hold a secret of its own.
        return f"File(type={self.type!r})"


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    transaction_time: str
    """As of when it is whole: the next export's `_since`."""
    requires_access_token: bool = False
    output: tuple[File, ...] = ()
    deleted: tuple[File, ...] = ()
    error: tuple[File, ...] = ()


def read_manifest(body: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProtocolViolation("the export's manifest cannot be read") from None
    if not _INSTANT.fullmatch(manifest.transaction_time):
        # It would be the next `_since`, so that changes were lost for ever.
        raise ProtocolViolation("the export does not say as of when it is whole")
    return manifest
