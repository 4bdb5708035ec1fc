"""How common names are: that two records both say Smith tells less than that both say Tranberg.

The tables are of the United States census of 1990 (in the public domain), in persons of a hundred
thousand; `data/README.md` says where they come from. A name not in them is rare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_OF = 100_000
RAREST = 2e-5
"""The share assumed of a name in no table: rarer ones say no more for it."""


@dataclass(frozen=True, slots=True)
class Frequencies:
    """Shares of the population by plain name."""

    given: Mapping[str, float]
    family: Mapping[str, float]

    def of_given(self, name: str) -> float:
        return max(self.given.get(name, 0.0), RAREST)

    def of_family(self, name: str) -> float:
        return max(self.family.get(name, 0.0), RAREST)

    def is_given(self, name: str) -> bool:
        return name in self.given


@cache
def frequencies() -> Frequencies:
    return Frequencies(_read("given"), _read("family"))


def _read(table: str) -> dict[str, float]:
    text = files(__package__).joinpath("data", f"{table}.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return {name: int(count) / _OF for name, count in rows}
