"""One service of a claim: SV1 of a professional's, SV2 of an institution's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.x12.elements import Dates, read_amount, read_dates, read_decimal
from subgraphs.connectors.x12.procedures import Procedure, read_procedure
from subgraphs.connectors.x12.segments import Segment


@dataclass(frozen=True, slots=True)
class Drug:
    """LIN and CTP."""

    ndc: str
    quantity: Decimal | None
    unit: str
    """ML, UN, GR, …"""


@dataclass(frozen=True, slots=True)
class ClaimLine:
    procedure: Procedure | None
    """None where an institution tells only the revenue code."""
    revenue_code: str
    """https://www.nubc.org; empty on a professional's claim."""
    charged: Decimal
    unit: str
    """UN units, MJ minutes, DA days."""
    quantity: Decimal | None
    diagnoses: tuple[int, ...]
    """Which of the claim's diagnoses it was for: 1 is the first."""
    dates: Dates | None
    drug: Drug | None


def read_line(segments: Sequence[Segment]) -> ClaimLine:
    """Of the segments from one LX to the next."""
    service = next((segment for segment in segments if segment.name in ("SV1", "SV2")), None)
    if service is None:
        raise ProtocolViolation("the 837 has a line without a service")
    # An institution's line begins with the revenue code, and its procedure may be missing.
    shift = 1 if service.name == "SV2" else 0
    procedure = read_procedure(service, 1 + shift)
    return ClaimLine(
        procedure=procedure if procedure.code else None,
        revenue_code=service.element(1) if shift else "",
        charged=read_amount(service, 2 + shift),
        unit=service.element(3 + shift),
        quantity=read_decimal(service, 4 + shift),
        diagnoses=() if shift else _read_pointers(service),
        dates=next((read_dates(s) for s in segments if _is_service_date(s)), None),
        drug=_read_drug(segments),
    )


def _read_pointers(service: Segment) -> tuple[int, ...]:
    """SV107; some send `1.00` for `1`."""
    pointers = (part.partition(".")[0] for part in service.components(7))
    return tuple(int(pointer) for pointer in pointers if pointer.isdecimal())


def _is_service_date(segment: Segment) -> bool:
    return segment.name == "DTP" and segment.element(1) == "472"


def _read_drug(segments: Sequence[Segment]) -> Drug | None:
    lin = next((s for s in segments if s.name == "LIN" and s.element(2) == "N4"), None)
    if lin is None:
        return None
    ctp = next((segment for segment in segments if segment.name == "CTP"), None)
    quantity = read_decimal(ctp, 4) if ctp else None
    return Drug(lin.element(3), quantity, ctp.components(5)[0] if ctp else "")
