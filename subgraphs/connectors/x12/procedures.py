"""The composite that names a procedure, the same in claims, statuses and remittances."""

from __future__ import annotations

from dataclasses import dataclass

from subgraphs.connectors.x12.segments import Segment

_MODIFIERS = slice(2, 6)


@dataclass(frozen=True, slots=True)
class Procedure:
    """https://x12.org/codes lists the qualifiers: HC is HCPCS, NU a revenue code, N4 an NDC, …"""

    kind: str
    code: str
    modifiers: tuple[str, ...] = ()


def read_procedure(segment: Segment, position: int) -> Procedure:
    parts = segment.components(position)
    code = parts[1] if len(parts) > 1 else ""
    return Procedure(parts[0], code, tuple(part for part in parts[_MODIFIERS] if part))
