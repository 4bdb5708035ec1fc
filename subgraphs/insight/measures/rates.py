"""How many of those who are meant have had the care, told so that nobody can be made out.

Cells under 11 are left out, as the Centers for Medicare & Medicaid Services ask of whoever tells of
their data, and so is whatever they could be computed from: the other half of a rate, and with a
single group that is left out the next smallest one, since the rest is known.
https://www.hhs.gov/guidance/document/cms-cell-suppression-policy
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

LEAST: Final = 11


@dataclass(frozen=True, slots=True)
class Rate:
    """Of a group, or of all together; what is None is left out."""

    group: str | None
    eligible: int | None
    met: int | None

    @property
    def open(self) -> int | None:
        return None if self.met is None or self.eligible is None else self.eligible - self.met

    @property
    def is_suppressed(self) -> bool:
        return self.met is None


def suppress(rate: Rate) -> Rate:
    """One that stands alone."""
    assert rate.eligible is not None, "it is not suppressed yet"
    assert rate.met is not None, "likewise"
    if rate.eligible < LEAST:
        return replace(rate, eligible=None, met=None)
    is_small = min(rate.met, rate.eligible - rate.met) < LEAST
    return replace(rate, met=None) if is_small else rate


def suppress_groups(groups: Sequence[Rate]) -> list[Rate]:
    """Groups beside whose total they can be seen."""
    shown = [suppress(rate) for rate in groups]
    shown = _complement(groups, shown, lambda rate: rate.eligible, _without_both)
    return _complement(groups, shown, lambda rate: rate.met, _without_met)


def _without_both(rate: Rate) -> Rate:
    return replace(rate, eligible=None, met=None)


def _without_met(rate: Rate) -> Rate:
    return replace(rate, met=None)


def _complement(
    groups: Sequence[Rate],
    shown: list[Rate],
    read: Callable[[Rate], int | None],
    hide: Callable[[Rate], Rate],
) -> list[Rate]:
    """Leave out more until what is left out is neither one cell nor a small number together."""
    shown = list(shown)
    while True:
        left_out = [place for place, rate in enumerate(shown) if read(rate) is None]
        rest = [place for place, rate in enumerate(shown) if read(rate) is not None]
        together = sum(read(groups[place]) or 0 for place in left_out)
        if not left_out or not rest or (len(left_out) > 1 and together >= LEAST):
            return shown
        smallest = min(
            rest, key=lambda place: (read(groups[place]) or 0, groups[place].group or "")
        )
        shown[smallest] = hide(shown[smallest])
