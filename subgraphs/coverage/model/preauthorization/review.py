"""What a payer decides about one item: the review action of X12 278, as PAS and PDex carry it.

https://hl7.org/fhir/us/davinci-pas/StructureDefinition-extension-reviewAction.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from subgraphs.coverage.model.preauthorization.extensions import Extension
from subgraphs.coverage.model.preauthorization.wire import Adjudication
from subgraphs.runtime import fhir


class Action(Enum):
    """HCR01. https://codesystem.x12.org/005010/306"""

    CERTIFIED = "A1"
    PARTIAL = "A2"
    DENIED = "A3"
    PENDED = "A4"
    MODIFIED = "A6"
    CANCELLED = "C"
    CONTACT_PAYER = "CT"
    NOT_REQUIRED = "NA"


class State(Enum):
    """Where a whole request stands."""

    SUBMITTED = "submitted"
    PENDED = "pended"
    CERTIFIED = "certified"
    PARTIAL = "partial"
    MODIFIED = "modified"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"
    UNCLEAR = "unclear"

    @property
    def is_open(self) -> bool:
        """Whether the payer still owes a decision."""
        return self in {State.SUBMITTED, State.PENDED}


_ACTIONS: Final = {action.value: action for action in Action}
_AGREED: Final = frozenset({Action.CERTIFIED, Action.NOT_REQUIRED})


@dataclass(frozen=True, slots=True)
class Review:
    """One item's review action."""

    code: fhir.CodeableConcept | None
    number: str | None
    """The authorization's number, of a certified item; else one to ask the payer by."""
    reasons: tuple[fhir.CodeableConcept, ...]
    second_opinion: bool | None

    @property
    def action(self) -> Action | None:
        """None for a code that X12 does not know, however it is worded."""
        coded = self.code.coding if self.code else ()
        return next((_ACTIONS[c.code] for c in coded if c.code in _ACTIONS), None)


def read_review(adjudications: Iterable[Adjudication]) -> Review | None:
    found = (each for a in adjudications for each in a.all("reviewAction"))
    action = next(found, None)
    return _review(action) if action else None


def _review(action: Extension) -> Review:
    reasons = (each.value_codeable_concept for each in action.all("reasonCode"))
    return Review(
        code=action.one("reviewActionCode").value_codeable_concept,
        number=action.one("number").value_string,
        reasons=tuple(reason for reason in reasons if reason),
        second_opinion=action.one("secondSurgicalOpinionFlag").value_boolean,
    )


def state_of(reviews: Sequence[Review], outcome: str | None) -> State:
    """Of an answer: items come first, and speak for the whole only together."""
    actions = [review.action for review in reviews]
    known = {action for action in actions if action}
    if Action.PENDED in known:
        return State.PENDED
    if not known:
        return {"error": State.REJECTED, "queued": State.PENDED}.get(outcome or "", State.UNCLEAR)
    if None in actions or Action.CONTACT_PAYER in known:
        return State.UNCLEAR
    return _decided(known)


def _decided(actions: set[Action]) -> State:
    if actions == {Action.CANCELLED}:
        return State.WITHDRAWN
    remaining = actions - {Action.CANCELLED}
    if remaining <= _AGREED:
        return State.CERTIFIED
    if remaining == {Action.DENIED}:
        return State.DENIED
    if remaining <= {*_AGREED, Action.MODIFIED}:
        return State.MODIFIED
    # Some of it, or of some of the items: the rest is not certified.
    return State.PARTIAL
