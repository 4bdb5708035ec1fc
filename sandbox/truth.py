"""What is really so, for tests to hold the product's findings against.

No upstream serves any of this.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TruePerson:
    """`ids`: source → Patient.id there. `variations`: how the second EHR's record differs."""

    number: int
    ids: dict[str, str]
    variations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrueLookalikes:
    """Two different people; each as `source/id` of every record of theirs."""

    likeness: str
    one: tuple[str, ...]
    other: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    people: tuple[TruePerson, ...]
    lookalikes: tuple[TrueLookalikes, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
