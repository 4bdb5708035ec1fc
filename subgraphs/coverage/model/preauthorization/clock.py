"""How long a payer may take: CMS-0057-F, from 2026 on.

An expedited request is decided within 72 hours, a standard one within seven calendar days, as fast
as the patient's condition requires. A pended answer is no decision. The rule binds Medicare
Advantage, Medicaid and CHIP, and is not about drugs: what applies to those is shorter.
https://www.federalregister.gov/d/2024-00895
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from subgraphs.coverage.model.preauthorization.wire import RequestResource
from subgraphs.runtime.scalars import instant

EXPEDITED: Final = timedelta(hours=72)
STANDARD: Final = timedelta(days=7)
# X12 1338, the level of service (UM06): emergency and urgent.
_URGENT_LEVELS: Final = frozenset({"03", "U"})
_URGENT_PRIORITY: Final = "stat"  # http://terminology.hl7.org/CodeSystem/processpriority


def is_expedited(request: RequestResource) -> bool:
    level = request.one("levelOfServiceCode").value_codeable_concept
    levels = {coding.code for coding in level.coding} if level else set()
    priority = request.priority.code if request.priority else None
    return bool(levels & _URGENT_LEVELS) or priority == _URGENT_PRIORITY


def due_at(submitted: str | None, *, expedited: bool) -> datetime | None:
    """The last moment for a decision; None where it is not known when the request was made."""
    try:
        began = instant(submitted) if submitted else None
        return began + (EXPEDITED if expedited else STANDARD) if began else None
    except (ValueError, OverflowError):
        return None
