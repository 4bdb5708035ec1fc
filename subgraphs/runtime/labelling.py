"""Labels for what its source left unlabelled: a record's own codes speak for it.

Few sources label. A record of addiction treatment or of HIV is protected all the same, whoever
forgot to say so (42 CFR Part 2, state law). Which codes say what is data: `runtime.labels`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from subgraphs.runtime.fhir import CodeableConcept, Coding, subjects
from subgraphs.runtime.labels.rules import WORDS, Ages, rules_for
from subgraphs.runtime.scalars import rank

ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_DAY: Final = len("YYYY-MM-DD")
_COARSE: Final = rank("2000")[len("2000-01") :]


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


def labels_of(about: Iterable[str], ages: Ages | None = None) -> list[Coding]:
    """The labels that these subjects call for, in a record of someone of about this age."""
    labels = {rule.label.code: rule.label for rule, _ in rules_for(about, ages)}
    return [Coding(ACT_CODE, None, label.code, label.display) for label in labels.values()]


def ages_at(born: str | None, moment: str) -> Ages | None:
    """Completed years at a moment as `rank` gives it, the first and last that are possible.

    What was recorded of a year or a month alone has the rank of its first day. None without a
    moment, or without a day of birth.
    """
    birth = rank(born)[:_DAY]
    if not birth or not moment or len(born or "") < _DAY:
        return None
    age = int(moment[:4]) - int(birth[:4]) - (moment[5:_DAY] < birth[5:])
    return age, age + moment.endswith(_COARSE)
