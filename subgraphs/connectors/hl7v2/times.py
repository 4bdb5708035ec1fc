"""HL7's timestamps as FHIR writes them, no more precise than they were sent."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

# YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]
_TIME: Final = re.compile(
    r"(?P<day>\d{4}(?:\d{2}(?:\d{2})?)?)"
    r"(?P<clock>\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?(?P<zone>[+-]\d{4})?",
    re.ASCII,
)
_DAY: Final = "YYYYMMDD"


def fhir_time(text: str) -> str | None:
    """`20150208113419+0110` → `2015-02-08T11:34:19+01:10`, `2015` → `2015`; None for no time.

    A time of day without a zone stays without one. An hour without minutes is told as its first.
    https://www.hl7.org/fhir/R4/datatypes.html#dateTime
    """
    found = _TIME.fullmatch(text)
    if found is None or (found["clock"] and len(found["day"]) < len(_DAY)):
        return None
    day = "-".join(filter(None, (found["day"][:4], found["day"][4:6], found["day"][6:8])))
    told = day
    if clock := found["clock"]:
        hours, minutes, seconds = clock[:2], clock[2:4] or "00", clock[4:] or "00"
        told = f"{day}T{hours}:{minutes}:{seconds}"
        if zone := found["zone"]:
            told += f"{zone[:3]}:{zone[3:]}"
    return told if _exists(told, day) else None


def _exists(told: str, day: str) -> bool:
    try:
        datetime.fromisoformat(told if "T" in told else (day + "-01-01")[:10])
    except ValueError:
        return False
    return True
