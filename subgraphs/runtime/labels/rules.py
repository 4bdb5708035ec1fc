"""The rules of `rules.yaml`, and which of them a code calls for.

What a record is about comes as texts of one form: `system|code` with the system's URI, or `text|…`
for what a source says in words alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import Annotated, Final, TypeAlias

import msgspec
import yaml

SYSTEMS: Final = {
    "icd-10-cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "icd-9-cm": "http://hl7.org/fhir/sid/icd-9-cm",
    "icd-10-pcs": "http://www.cms.gov/Medicare/Coding/ICD10",
    "snomed": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "cvx": "http://hl7.org/fhir/sid/cvx",
    "hcpcs": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
}
"""What the rules call the code systems."""
WORDS: Final = "text"
Ages: TypeAlias = tuple[int, int]
"""Completed years at the time of a record: the first and the last that are possible."""
# In these a code begins with its category's: whoever names B20 means B20.1 too.
_HIERARCHIES: Final = frozenset({"icd-9-cm", "icd-10-cm", "icd-10-pcs"})


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code of v3-ActCode."""

    code: str
    display: str


class Examples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each as `system|code` with the rules' name of the system, or `text|…`."""

    positive: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    negative: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The head of `rules.yaml` says what each value means."""

    id: str
    label: Label
    why: str
    source: str
    examples: Examples
    codes: Mapping[str, tuple[str, ...]] = {}
    text: tuple[str, ...] = ()
    ages: tuple[str, str] | None = None

    def names(self, subject: str) -> bool:
        """Whether it labels what is about this, at the ages it is for."""
        system, _, code = subject.partition("|")
        if system == WORDS:
            return any(pattern.search(code) for pattern in self._patterns)
        return any(test(code) for test in self._tests.get(system, ()))

    def is_for(self, ages: Ages | None) -> bool:
        if self.ages is None or ages is None:
            return True
        first, last = map(int, self.ages)
        return first <= ages[1] and ages[0] <= last

    @cached_property
    def _patterns(self) -> Sequence[re.Pattern[str]]:
        return [re.compile(pattern, re.IGNORECASE) for pattern in self.text]

    @cached_property
    def _tests(self) -> Mapping[str, Sequence[Callable[[str], bool]]]:
        return {
            SYSTEMS[system]: [_test(code, within=system in _HIERARCHIES) for code in codes]
            for system, codes in self.codes.items()
        }


@cache
def rules() -> tuple[Rule, ...]:
    """All of them, in the order of the file."""
    text = (files(__package__) / "rules.yaml").read_text(encoding="utf-8")
    content = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts
    return msgspec.convert(content, tuple[Rule, ...])


@lru_cache(maxsize=8192)
def _naming(subject: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules() if rule.names(subject))


def rules_for(subjects: Iterable[str], ages: Ages | None = None) -> list[tuple[Rule, str]]:
    """The rules that label a record about these, and which of them each rule names.

    Without the ages a rule for some of them holds.
    """
    return [
        (rule, subject)
        for subject in sorted(subjects)
        for rule in _naming(subject)
        if rule.is_for(ages)
    ]


def _test(code: str, *, within: bool) -> Callable[[str], bool]:
    # LOINC's codes have a hyphen of their own, before one digit: those are no ranges.
    first, hyphen, last = code.partition("-")
    if not hyphen or len(last) == 1:
        return (lambda found: found.startswith(code)) if within else (lambda found: found == code)

    def lies_between(found: str) -> bool:
        return first <= found[: len(first)] and found[: len(last)] <= last

    return lies_between
