"""What the runtime must know of a resource type to make facts of records."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from subgraphs.runtime import fhir
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.scopes import Tokens

RecordT = TypeVar("RecordT", bound=fhir.PatientRecord)
Order: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Detail(Generic[RecordT]):
    """Something that records of one fact may disagree on."""

    path: str
    """The published field."""
    read: Callable[[RecordT], Any]
    """What a record says of it; None where it says nothing, which contradicts nobody."""
    shown: Callable[[Any], str] = str
    agree: Callable[[Any, Any], bool] = operator.eq


def coded(path: str, read: Callable[[Any], fhir.CodeableConcept | None]) -> Detail[Any]:
    """A concept, compared by its code and shown in words."""

    def said(record: object) -> tuple[str, str] | None:
        concept = read(record)
        code = fhir.canonical_code(concept) or (concept.text if concept else None)
        if concept is None or code is None:
            return None
        shown = (concept.text, *(coding.display for coding in concept.coding))
        return code, next((words for words in shown if words), code)

    return Detail(
        path, said, shown=lambda value: str(value[1]), agree=lambda one, other: one[0] == other[0]
    )


@dataclass(frozen=True, slots=True)
class Versions:
    """How a record tells that others of its source are older versions of it."""

    replaces: frozenset[str] = frozenset()
    """Ids it says it replaces."""
    result: Hashable | None = None
    """What all versions of it have in common; of those the newest stands."""
    occasion: Hashable | None = None
    """What it shares with a version of it that says no more than that it corrects."""
    corrects: bool = False
    """Whether it stands in place of others of its occasion."""


_ALONE = Versions()


def changed(record: fhir.PatientRecord) -> str:
    """A text that sorts by when the source last changed the record."""
    return rank(record.meta.last_updated)


@dataclass(frozen=True, slots=True)
class Kind(Generic[RecordT]):
    type: str
    rank: Callable[[RecordT], str]
    """Sorts lists: the greatest first."""
    same: Callable[[RecordT], Hashable | None]
    """What records of one fact have in common, whatever they disagree on; None keeps one apart."""
    distance: Callable[[RecordT, RecordT], int | None] = lambda _, __: 0
    """Of two records with the same `same`: None where they cannot be one fact, else the less the
    surer. A source's record joins the nearest of another source."""
    details: tuple[Detail[RecordT], ...] = ()
    """What may differ within one fact and is then shown as a conflict."""
    weight: Callable[[RecordT], Order] = lambda _: ()
    """The greatest is the record whose values are shown; among equals the one changed last."""
    versions: Callable[[RecordT], Versions] = lambda _: _ALONE
    tokens: Callable[[RecordT], Tokens] = lambda _: {}
    """Values of the search parameters that granular scopes may name."""
    retracted: Callable[[RecordT], bool] = lambda _: False
    """Entered in error: no fact at all."""
    subject: Callable[[RecordT], frozenset[str]] = lambda _: frozenset()
    """What it is about, each as `system|code`: a label that a source put on one of a patient's
    facts holds for all of them about the same."""
    mentions: Callable[[RecordT], frozenset[str]] = lambda _: frozenset()
    """What else it names. That and its subject may be sensitive by themselves
    (`runtime.labelling`); a visit labelled for one of its reasons says nothing of visits for the
    others."""
