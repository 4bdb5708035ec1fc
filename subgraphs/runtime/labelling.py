"""Labels for what its source left unlabelled: a record's own codes speak for it.

Few sources label. A record of addiction treatment or of HIV is protected all the same, whoever
forgot to say so (42 CFR Part 2, state law). Which codes say what is data: `runtime.labels`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from subgraphs.runtime.fhir import CodeableConcept, Coding, subjects
from subgraphs.runtime.labels.rules import WORDS, rules_for
from subgraphs.runtime.scalars import rank

ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def mentions_of(*concepts: CodeableConcept | None) -> frozenset[str]:
    """What concepts name: their codes, or their words where nothing has a known system's code."""
    return frozenset[str]().union(*map(_named, concepts))


def words(text: str | None) -> frozenset[str]:
    """What is said in words alone."""
    return frozenset({f"{WORDS}|{text.casefold()}"}) if text else frozenset()


def _named(concept: CodeableConcept | None) -> frozenset[str]:
    coded = subjects(concept)
    if concept is None or any(subject.startswith("http") for subject in coded):
        return coded
    said = (concept.text, *(coding.display for coding in concept.coding))
    return coded.union(*map(words, said))


def labels_of(about: Iterable[str], age: int | None = None) -> list[Coding]:
    """The labels that these subjects call for, in a record of someone of this age."""
    labels = {rule.label.code: rule.label for rule, _ in rules_for(about, age)}
    return [Coding(ACT_CODE, None, label.code, label.display) for label in labels.values()]


def age_at(born: str | None, moment: str | None) -> int | None:
    """Completed years at a moment; None unless both are known to the day."""
    birth, then = rank(born)[:10], rank(moment)[:10]
    if not (birth and then) or min(len(born or ""), len(moment or "")) < len("YYYY-MM-DD"):
        return None
    return int(then[:4]) - int(birth[:4]) - (then[5:] < birth[5:])
