"""A prior authorization: a request and what the payer has answered to it, as one record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from subgraphs.coverage.model.preauthorization.clock import due_at, is_expedited
from subgraphs.coverage.model.preauthorization.review import Review, State, read_review, state_of
from subgraphs.coverage.model.preauthorization.wire import (
    AnswerItem,
    AnswerResource,
    RequestItem,
    RequestResource,
)
from subgraphs.runtime import fhir
from subgraphs.runtime.kinds import Kind, Versions
from subgraphs.runtime.labelling import mentions_of
from subgraphs.runtime.scalars import instant, rank

CANCEL: Final = "3"
"""X12 1322, the type of certification (UM02): what was asked for is asked for no more."""


@dataclass(frozen=True, slots=True)
class Item:
    """One service, as it was requested and as it was decided; one of them may be missing."""

    sequence: int
    request: RequestItem | None
    answer: AnswerItem | None
    is_added: bool = False
    """By the payer: nobody asked for it."""

    @property
    def asked(self) -> RequestItem | None:
        """What is to be done or given: of an added item, in the payer's words."""
        added = self.answer.as_request if self.is_added and self.answer else None
        return self.request or added

    @property
    def review(self) -> Review | None:
        return read_review(self.answer.adjudication) if self.answer else None

    @property
    def is_cancelled(self) -> bool:
        item = self.request
        return item is not None and (
            item.is_cancelled or _is_cancel(item.one("certificationType").value_codeable_concept)
        )


@dataclass(frozen=True, slots=True)
class PriorAuthorization:
    """`id` is the request's where there is one; what is known by its answer alone says so in it."""

    id: str
    request: RequestResource | None
    answer: AnswerResource | None

    @property
    def either(self) -> RequestResource | AnswerResource:
        found = self.request or self.answer
        assert found is not None, "it is made of one of them"
        return found

    @property
    def owner(self) -> fhir.Reference | None:
        return self.either.owner

    @property
    def meta(self) -> fhir.Meta:
        """The labels of both, and when either was changed last."""
        metas = [found.meta for found in (self.request, self.answer) if found]
        changed = max((m.last_updated for m in metas), key=rank)
        labels = {label.token: label for meta in metas for label in meta.security}
        return fhir.Meta(self.version, changed, tuple(labels.values()))

    @property
    def version(self) -> str:
        """Another whenever the request stands otherwise, or has another answer. It is told from
        what they say, since an answer to our own request comes without the server's versions."""
        reviews = [(i.sequence, i.review and (i.review.code, i.review.number)) for i in self.items]
        told = self.answer
        parts = (
            rank(self.submitted),
            self.either.status,
            self.state.value,
            (rank(told.created), told.outcome, told.reference_number) if told else None,
            reviews,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    @property
    def submitted(self) -> str | None:
        """Unknown of what is known by its answer alone."""
        return self.request.created if self.request else None

    @property
    def decided(self) -> str | None:
        if self.answer is None or self.state.is_open or self.state is State.WITHDRAWN:
            return None
        return self.answer.created

    @property
    def is_expedited(self) -> bool:
        return self.request is not None and is_expedited(self.request)

    @property
    def due_at(self) -> datetime | None:
        return due_at(self.submitted, expedited=self.is_expedited)

    def is_overdue(self, now: datetime) -> bool:
        return self.due_at is not None and self.state.is_open and now > self.due_at

    @property
    def was_in_time(self) -> bool | None:
        """None while nothing is decided, or where a moment is missing."""
        try:
            decided = instant(self.decided) if self.decided else None
        except (ValueError, OverflowError):
            decided = None
        return None if decided is None or self.due_at is None else decided <= self.due_at

    @property
    def state(self) -> State:
        if self.is_withdrawn:
            return State.WITHDRAWN
        if self.answer is None:
            return State.SUBMITTED
        reviews = [item.review for item in self.items]
        given = [review for review in reviews if review]
        if not given and self.review:
            given = [self.review]
        return state_of(given, self.answer.outcome)

    @property
    def review(self) -> Review | None:
        """Of the request as a whole, where the payer decides about that."""
        return read_review(self.answer.adjudication) if self.answer else None

    @property
    def is_withdrawn(self) -> bool:
        request = self.request
        if request is None:
            return False
        if request.status == "cancelled" or _is_cancel(
            request.one("certificationType").value_codeable_concept
        ):
            return True
        return bool(request.item) and all(item.is_cancelled for item in self.items if item.request)

    @property
    def items(self) -> tuple[Item, ...]:
        """In order of their numbers; what the payer speaks of besides, and what it adds, last."""
        asked = sorted(self.request.item, key=lambda item: item.sequence) if self.request else ()
        requested = [Item(item.sequence, item, _answer_to(item, self.answers)) for item in asked]
        matched = [item.answer for item in requested]
        alone = [answer for answer in self.answers if not any(answer is each for each in matched)]
        added = self.answer.add_item if self.answer else ()
        return (
            *requested,
            *(Item(next(iter(a.numbers), 0), None, a) for a in alone),
            *(Item(next(iter(a.numbers), 0), None, a, is_added=True) for a in added),
        )

    @property
    def answers(self) -> tuple[AnswerItem, ...]:
        return self.answer.item if self.answer else ()

    @property
    def replaces(self) -> frozenset[str]:
        """The requests that this one changes."""
        related = self.request.related if self.request else ()
        ids = (each.claim.id_of("Claim") for each in related if each.claim)
        return frozenset(id_ for id_ in ids if id_)

    @property
    def orders(self) -> tuple[fhir.Reference, ...]:
        """What was ordered and is asked about."""
        if self.request is None:
            return ()
        services = (i.one("requestedService").value_reference for i in self.request.item)
        every = (*services, self.request.prescription)
        return tuple(reference for reference in every if reference)


def pair(
    requests: Sequence[RequestResource],
    answers: Iterable[AnswerResource],
    explanations: Iterable[tuple[RequestResource, AnswerResource]] = (),
) -> list[PriorAuthorization]:
    """One patient's requests, each with the newest answer to it; what answers none stands alone.

    An answer names its request. Where it does not, as PAS has allowed, the trace number which it
    repeats tells.
    """
    by_id = {request.id: request for request in requests}
    by_trace = {trace: request for request in requests for trace in _traces(request)}
    newest: dict[str, AnswerResource] = {}
    alone: list[PriorAuthorization] = []
    for answer in sorted(answers, key=_age):
        request = by_id.get(answer.claim_id or "")
        if request is None:
            found = (by_trace.get(trace) for trace in _traces(answer))
            request = next((each for each in found if each), None)
        if request is None:
            alone.append(PriorAuthorization(f"ClaimResponse:{answer.id}", None, answer))
        else:
            newest[request.id] = answer
    for as_request, answer in explanations:
        request = by_id.get(answer.claim_id or "")
        if request is None:
            id_ = f"ExplanationOfBenefit:{answer.id}"
            alone.append(PriorAuthorization(id_, _without_moment(as_request), answer))
        else:
            # The payer's own answer to the request says more than what is told to the patient.
            newest.setdefault(request.id, answer)
    return [*(PriorAuthorization(r.id, r, newest.get(r.id)) for r in requests), *alone]


def _answer_to(item: RequestItem, answers: Iterable[AnswerItem]) -> AnswerItem | None:
    """By its trace number where both have one; numbers repeat, in published examples too."""
    about = [answer for answer in answers if item.sequence in answer.numbers]
    own = _trace_numbers(item)
    traced = (answer for answer in about if own & _trace_numbers(answer))
    untraced = (answer for answer in about if not own or not _trace_numbers(answer))
    return next(traced, None) or next(untraced, None)


def _trace_numbers(item: RequestItem | AnswerItem) -> set[str]:
    found = (each.value_identifier for each in item.all("itemTraceNumber"))
    return {each.value for each in found if each and each.value}


def _traces(resource: RequestResource | AnswerResource) -> set[str]:
    return {each.value for each in resource.identifier if each.value}


def _age(answer: AnswerResource) -> tuple[str, str, str]:
    return rank(answer.created), rank(answer.meta.last_updated), answer.id


def _without_moment(request: RequestResource) -> RequestResource:
    """`created` of an ExplanationOfBenefit tells when it was answered, not when it was asked."""
    fields = {name: getattr(request, name) for name in request.__struct_fields__}
    return RequestResource(**{**fields, "created": None})


def _is_cancel(concept: fhir.CodeableConcept | None) -> bool:
    return concept is not None and any(coding.code == CANCEL for coding in concept.coding)


AUTHORIZATION: Final[Kind[PriorAuthorization]] = Kind(
    type="Claim",
    rank=lambda a: rank(a.submitted or a.either.created),
    # Only a payer speaks of its own authorizations, so nothing is there to be merged.
    same=lambda _: None,
    versions=lambda a: Versions(replaces=a.replaces),
    tokens=lambda a: {
        "use": {"preauthorization"},
        "status": {a.either.status or ""},
        "type": fhir.tokens([a.either.type]),
    },
    retracted=lambda a: a.either.status == "entered-in-error",
    mentions=lambda a: mentions_of(
        *(i.request.product_or_service for i in a.items if i.request),
        *(i.answer.product_or_service for i in a.items if i.answer),
        *(d.diagnosis_codeable_concept for d in (a.request.diagnosis if a.request else ())),
    ),
)
