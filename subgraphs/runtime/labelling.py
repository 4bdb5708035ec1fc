"""Labels for what its source left unlabelled: by the codes of substance use and of HIV.

Few sources label. A record of addiction treatment or of HIV is protected all the same, whoever
forgot to say so (42 CFR Part 2, state law), so its codes speak for it. Only codes that name the
condition or its treatment are here, not those that merely go with it; tobacco (F17) is not covered.
https://www.ecfr.gov/current/title-42/chapter-I/subchapter-A/part-2
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from subgraphs.runtime.fhir import CodeableConcept, Coding, subjects

ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_ICD: Final = "http://hl7.org/fhir/sid/icd-10-cm|"
_SNOMED: Final = "http://snomed.info/sct|"
_LOINC: Final = "http://loinc.org|"

_SUBSTANCES: Final = Coding(system=ACT_CODE, code="SUD", display="substance use disorder")
_HIV: Final = Coding(system=ACT_CODE, code="HIV", display="HIV/AIDS")

_PREFIXES: Final = (
    # Mental and behavioral disorders due to psychoactive substances, without tobacco.
    *((f"{_ICD}F{number}", _SUBSTANCES) for number in (10, 11, 12, 13, 14, 15, 16, 18, 19)),
    (f"{_ICD}B20", _HIV),
    (f"{_ICD}Z21", _HIV),
)
_CODES: Final = {
    f"{_SNOMED}7200002": _SUBSTANCES,  # alcoholism
    f"{_SNOMED}24165007": _SUBSTANCES,  # alcoholism counseling
    f"{_SNOMED}75544000": _SUBSTANCES,  # opioid dependence
    f"{_SNOMED}266707007": _SUBSTANCES,  # drug addiction therapy
    f"{_SNOMED}56876005": _SUBSTANCES,  # drug rehabilitation and detoxification
    f"{_SNOMED}60112009": _SUBSTANCES,  # drug addiction counseling
    f"{_SNOMED}61480009": _SUBSTANCES,  # drug detoxification
    f"{_SNOMED}86406008": _HIV,  # HIV infection
    f"{_LOINC}55277-8": _HIV,  # HIV status
    f"{_LOINC}20447-9": _HIV,  # HIV 1 RNA, viral load
    f"{_LOINC}25836-8": _HIV,  # HIV 1 RNA, copies
}


def sensitive_subjects(*concepts: CodeableConcept | None) -> frozenset[str]:
    """Of what a record mentions beside its own subject, only what is sensitive by itself.

    A visit labelled for one of its reasons says nothing of visits for the others.
    """
    mentioned = frozenset[str]().union(*map(subjects, concepts))
    return frozenset(subject for subject in mentioned if labels_of([subject]))


def labels_of(codes: Iterable[str]) -> list[Coding]:
    """The labels that codes, each as `system|code`, call for."""
    found = []
    for subject in codes:
        if subject in _CODES:
            found.append(_CODES[subject])
        elif subject.startswith(_ICD):
            found += [label for prefix, label in _PREFIXES if subject.startswith(prefix)]
    return found
