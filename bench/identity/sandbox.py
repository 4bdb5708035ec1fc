"""How well the sandbox's people are brought together: it knows who is who."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import combinations

import msgspec

from sandbox.data.population import build_population
from subgraphs.identity.index.features import Features, extract
from subgraphs.identity.index.matching import Matcher, Outcome
from subgraphs.identity.index.people import candidates, tell_apart
from subgraphs.identity.model import PatientResource


@dataclass(frozen=True, slots=True)
class Judged:
    """`true` pairs of records of one person, how many were `found`; people made of two: `wrong`."""

    true: int
    found: int
    wrong: int
    reviews: int


def judge_seed(seed: int, patients: int, today: date, matcher: Matcher) -> Judged:
    population = build_population(seed, patients, today)
    records: dict[str, Features] = {
        f"{source}/{resource['id']}": extract(source, msgspec.convert(resource, PatientResource))
        for source, resources in population.resources.items()
        for resource in resources
        if resource["resourceType"] == "Patient"
    }
    who = {
        f"{source}/{id_}": person.number
        for person in population.truth.people
        for source, id_ in person.ids.items()
    }
    people = tell_apart(records, matcher)
    of = {record: person for person in people for record in person}
    true = [two for two in combinations(sorted(records), 2) if who[two[0]] == who[two[1]]]
    reviews = {
        frozenset((of[each.one], of[each.other]))
        for each in candidates(records)
        if of[each.one] is not of[each.other]
        and matcher.decide(records[each.one], records[each.other]).outcome is not Outcome.APART
    }
    return Judged(
        true=len(true),
        found=sum(of[one] is of[other] for one, other in true),
        wrong=sum(len({who[record] for record in person}) > 1 for person in people),
        reviews=len(reviews),
    )
