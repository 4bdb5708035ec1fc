"""NDJSON as it arrives: a resource on each line, never all of them at once. https://ndjson.org"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import NamedTuple

import msgspec

from subgraphs.connectors.errors import ProtocolViolation

BATCH_ROWS = 1_000
BATCH_BYTES = 4 * 1024 * 1024


class Row(NamedTuple):
    """A resource, with as much of it read as is needed to tell which one it is."""

    type: str
    id: str | None
    raw: bytes


class _Head(msgspec.Struct):
    resourceType: str  # noqa: N815 - FHIR's name
    id: str | None = None


_read_head = msgspec.json.Decoder(_Head).decode


async def rows_of(
    parts: AsyncIterable[bytes], *, max_line: int, max_bytes: int
) -> AsyncIterator[list[Row]]:
    """The resources of a file, some at a time.

    Raises `ProtocolViolation` where a line is no resource, or what arrives is larger than allowed:
    a file that broke off within a line is told from one that is whole.
    """
    batch: list[Row] = []
    held = 0
    async for line in _lines(parts, max_line=max_line, max_bytes=max_bytes):
        if line.isspace() or not line:
            continue
        batch.append(_row(line))
        held += len(line)
        if len(batch) >= BATCH_ROWS or held >= BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


async def _lines(
    parts: AsyncIterable[bytes], *, max_line: int, max_bytes: int
) -> AsyncIterator[bytes]:
    begun = bytearray()
    arrived = 0
    async for part in parts:
        arrived += len(part)
        if arrived > max_bytes:
            raise ProtocolViolation("the source's file is larger than allowed")
        head, *rest = part.split(b"\n")
        begun += head
        for following in rest:
            if len(begun) > max_line:
                break
            yield bytes(begun)
            begun = bytearray(following)
        if len(begun) > max_line:
            raise ProtocolViolation("a line of the source's file is larger than allowed")
    yield bytes(begun)


def _row(line: bytes) -> Row:
    try:
        head = _read_head(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProtocolViolation("the source's file is not NDJSON, or broke off") from None
    return Row(head.resourceType, head.id, line)
