from __future__ import annotations

from datetime import UTC, datetime


def sortable(moment: str | None) -> str:
    """A time as text that sorts by it; without a zone it is taken for UTC, without a time last."""
    if moment is None:
        return ""
    told = datetime.fromisoformat(moment if "T" in moment else f"{moment}-01-01"[:10])
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
