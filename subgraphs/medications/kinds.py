"""What makes two prescriptions or two dispenses one fact, and what of it they may disagree on.

Two charts tell of one prescription when the active ingredient, the intent and the moment it was
written are the same; another strength, another dose or another status is then a conflict on one
node. The product that is shown comes with the instructions of its own record.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from subgraphs.medications.dosing import doses_agree, doses_shown
from subgraphs.medications.model import (
    ENTERED_IN_ERROR,
    MedicationDispense,
    MedicationRequest,
    RefillTask,
    Supplied,
)
from subgraphs.runtime.fhir import CodeableConcept, Quantity, canonical_code, subjects, tokens
from subgraphs.runtime.kinds import Detail, Kind, coded
from subgraphs.runtime.labelling import mentions_of, words
from subgraphs.runtime.moments import apart_on_a_day, day_of
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.terms.codes import ingredient_of
from subgraphs.runtime.units.quantities import agree


def _drug(supplied: Supplied) -> str | None:
    """The active ingredient, whatever product of it was noted."""
    code = canonical_code(supplied.medication)
    return None if code is None else ingredient_of(code)


def _about(supplied: Supplied) -> frozenset[str]:
    """The product and what is in it."""
    codes = subjects(supplied.medication).union(*map(subjects, supplied.ingredients))
    return codes.union(map(ingredient_of, codes))


def _said(supplied: Supplied) -> frozenset[str]:
    """What instructions and remarks name."""
    dosages = supplied.dosage_instruction
    reasons = (dosage.as_needed_codeable_concept for dosage in dosages)
    texts = [text for dosage in dosages for text in (dosage.text, dosage.patient_instruction)]
    texts += [note.text for note in supplied.note]
    return mentions_of(*reasons).union(*map(words, texts))


def _named(supplied: Supplied) -> Iterator[CodeableConcept | None]:
    yield supplied.medication
    yield from supplied.ingredients


def _same_request(request: MedicationRequest) -> object:
    drug, day = _drug(request), day_of(request.authored_on)
    return (drug, day, request.intent) if drug and day else None


def _same_dispense(dispense: MedicationDispense) -> object:
    drug, day = _drug(dispense), day_of(dispense.supplied)
    return (drug, day) if drug and day else None


def _amount(quantity: Quantity) -> str:
    return " ".join(str(part) for part in (quantity.value, quantity.unit or quantity.code) if part)


def _amounts_agree(one: Quantity, other: Quantity) -> bool:
    # What cannot be compared, tablets with millilitres, is shown rather than passed over.
    return agree(one, other, None) is True


_DETAILS: Final[tuple[Detail[Any], ...]] = (
    Detail("status", lambda supplied: supplied.status),
    coded("medication", lambda supplied: supplied.medication),
    Detail(
        "dosageInstructions",
        lambda supplied: supplied.dosage_instruction or None,
        shown=doses_shown,
        agree=doses_agree,
    ),
)

REQUESTS: Final[Kind[MedicationRequest]] = Kind(
    type="MedicationRequest",
    rank=lambda request: rank(request.authored_on),
    same=_same_request,
    distance=lambda one, other: apart_on_a_day(one.authored_on, other.authored_on),
    details=_DETAILS,
    # What is still taken must not hide behind a chart that calls it stopped, nor how it is taken
    # behind one that does not say.
    weight=lambda request: (
        request.status == "active",
        request.status == "on-hold",
        bool(request.dosage_instruction),
    ),
    tokens=lambda request: {
        "status": {request.status or ""},
        "intent": {request.intent or ""},
        "category": tokens(request.category),
        "code": tokens([request.medication]),
    },
    retracted=lambda request: request.status == ENTERED_IN_ERROR,
    subject=_about,
    mentions=lambda r: mentions_of(*_named(r), *r.reasons, r.adherence) | _said(r),
)
DISPENSES: Final[Kind[MedicationDispense]] = Kind(
    type="MedicationDispense",
    rank=lambda dispense: rank(dispense.supplied),
    same=_same_dispense,
    distance=lambda one, other: apart_on_a_day(one.supplied, other.supplied),
    details=(
        *_DETAILS,
        Detail("quantity", lambda d: d.quantity, shown=_amount, agree=_amounts_agree),
        Detail("daysSupply", lambda d: d.days_supply, shown=_amount, agree=_amounts_agree),
    ),
    weight=lambda dispense: (dispense.status == "completed", bool(dispense.dosage_instruction)),
    tokens=lambda dispense: {
        "status": {dispense.status or ""},
        "type": tokens([dispense.type]),
        "code": tokens([dispense.medication]),
    },
    retracted=lambda dispense: dispense.status == ENTERED_IN_ERROR,
    subject=_about,
    mentions=lambda d: mentions_of(*_named(d)) | _said(d),
)
REFILLS: Final[Kind[RefillTask]] = Kind(
    type="Task",
    rank=lambda task: rank(task.authored_on),
    # Each EHR has its own in-basket.
    same=lambda _: None,
    tokens=lambda task: {"status": {task.status or ""}, "code": tokens([task.code])},
    retracted=lambda task: task.status == ENTERED_IN_ERROR,
    mentions=lambda task: frozenset[str]().union(*(words(note.text) for note in task.note)),
)
