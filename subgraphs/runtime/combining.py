"""One resource of several: what the leading record says, and what only the others say.

No value is made up, and what belongs together stays together: an amount comes with the
interpretation of the record it is from, a product with its instructions, and one element of a
choice (`onset[x]`) is never shown beside another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

import msgspec

from subgraphs.runtime.fhir import CodeableConcept, Coding, canonical_code
from subgraphs.runtime.kinds import RecordT

# A record's own: who it is, and what refers to resources of its source.
_OWN: Final = frozenset(
    {"id", "meta", "subject", "patient", "encounter", "identifier"}
    | {"contained", "provenance_resource"}
)
_CHOICES: Final = (
    *("value_", "onset_", "abatement_", "performed_", "effective_", "occurrence_"),
    *("medication_", "reported_"),
)
_WITH_THE_VALUE: Final = frozenset(
    {"interpretation", "reference_range", "data_absent_reason", "component"}
)
_WITH_THE_MEDICATION: Final = frozenset(
    {"dosage_instruction", "dispense_request", "quantity", "days_supply"}
)
"""Two tablets of one strength are not two of another."""
_JOINED: Final = frozenset(
    {"category", "note", "reaction", "reason_code", "type"}
    | {"telecom", "qualification", "communication"}
)
"""Lists of which every source's entries are shown."""
_CODED: Final = frozenset({"code", "vaccine_code"})
"""One meaning in several code systems: every coding is shown."""


def combine(lead: RecordT, others: Sequence[RecordT]) -> RecordT:
    """The leading resource with what the others add, in their order."""
    groups = _groups(type(lead))
    said = {group for group, names in groups.items() if _says(lead, names)}
    changes: dict[str, Any] = {}
    for group, names in groups.items():
        (name,) = names if len(names) == 1 else ("",)
        if name in _CODED:
            changes[name] = _codings([getattr(each, name) for each in (lead, *others)])
        elif name in _JOINED and isinstance(getattr(lead, name), tuple):
            changes[name] = _joined([getattr(each, name) for each in (lead, *others)])
        elif group not in said:
            teller = next((other for other in others if _says(other, names)), lead)
            changes |= {name: getattr(teller, name) for name in names}
    return msgspec.structs.replace(lead, **changes)  # type: ignore[type-var]


@cache
def _groups(type_: type) -> dict[str, tuple[str, ...]]:
    """The fields of a resource, those together that must come from one record."""
    groups: dict[str, tuple[str, ...]] = {}
    for name in type_.__struct_fields__:  # type: ignore[attr-defined]
        if name in _OWN:
            continue
        group = next((choice for choice in _CHOICES if name.startswith(choice)), name)
        group = "value_" if name in _WITH_THE_VALUE else group
        group = "medication_" if name in _WITH_THE_MEDICATION else group
        groups[group] = (*groups.get(group, ()), name)
    return groups


def _says(resource: object, names: Sequence[str]) -> bool:
    return any(getattr(resource, name) not in (None, ()) for name in names)


def _joined(lists: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    entries: dict[object, Any] = {}
    for entry in chain.from_iterable(lists):
        entries.setdefault(_meaning(entry), entry)
    return tuple(entries.values())


def _meaning(entry: object) -> object:
    return (canonical_code(entry) or entry) if isinstance(entry, CodeableConcept) else entry


def _codings(concepts: Sequence[CodeableConcept | None]) -> CodeableConcept | None:
    told = [concept for concept in concepts if concept is not None]
    if not told:
        return None
    codings: dict[str, Coding] = {}
    for coding in chain.from_iterable(concept.coding for concept in told):
        codings.setdefault(coding.token if coding.code else repr(coding), coding)
    text = next((concept.text for concept in told if concept.text), None)
    return CodeableConcept(tuple(codings.values()), text)
