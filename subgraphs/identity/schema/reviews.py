"""The queue of reviews: people who may be one, side by side."""

from __future__ import annotations

from typing import Any

import strawberry

from subgraphs.identity.index.reviews import Place
from subgraphs.identity.loaders import Identity
from subgraphs.identity.schema.records import IdentityRecord
from subgraphs.identity.schema.types import Patient
from subgraphs.identity.stewarding import Review, candidates, record_at
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.datatypes import FEW
from subgraphs.runtime.request import Request


@strawberry.type(description="How far one field agrees, and what that tells.")
class IdentityEvidence:
    field: str = strawberry.field(description="`given`, `family`, `birthDate`, `ssn`, …")
    level: str = strawberry.field(
        description="`same`, `different`, or a word for what lies between: `slip`, `form`, …"
    )
    points: float = strawberry.field(
        description="How much it adds, or takes away: the logarithm to base 2 of how much likelier "
        "it is of one person than of two."
    )


@strawberry.type(description="Two people who may be one, for a human to decide.")
class IdentityReview:
    id: strawberry.ID = strawberry.field(description="Names the two in `decideIdentityReview`.")
    version: str = strawberry.field(description="For `ifMatch`: what the two were when read.")
    points: float = strawberry.field(description="The sum of the evidence.")
    rule: str | None = strawberry.field(
        description="The rule that forbids to link them by points, if one does."
    )
    review: strawberry.Private[Review]

    @strawberry.field(description="Each field that both records tell.", directives=[FEW])
    def evidence(self) -> list[IdentityEvidence]:
        return [
            IdentityEvidence(field=part.field, level=part.level, points=round(part.points, 1))
            for part in self.review.verdict.parts
        ]

    @strawberry.field(description="The record of the one that is most like the other's.")
    def one(self, info: strawberry.Info) -> IdentityRecord:
        person = self.review.people[0]
        return IdentityRecord.of(info.context, person, record_at(person, self.review.one))

    @strawberry.field(description="The record of the other.")
    def other(self, info: strawberry.Info) -> IdentityRecord:
        person = self.review.people[1]
        return IdentityRecord.of(info.context, person, record_at(person, self.review.other))

    @strawberry.field(description="The two people, with all of their records.", directives=[FEW])
    def patients(self, info: strawberry.Info) -> list[Patient]:
        return [Patient.of(info.context, person) for person in self.review.people]

    @strawberry.field(description="Who else may be one of the two.", directives=[FEW])
    async def candidates(self, info: strawberry.Info) -> list[Patient]:
        near = await candidates(info.context, self.review)
        return [Patient.of(info.context, person) for person in near]

    @classmethod
    def of(cls, request: Request[Identity], review: Review) -> IdentityReview:
        return cls(
            id=strawberry.ID(review_id(request, review.one, review.other)),
            version=review.version,
            points=round(review.verdict.points, 1),
            rule=review.verdict.rule,
            review=review,
        )


_REVIEW = "identityReview"


def review_id(request: Request[Any], one: Link, other: Link) -> str:
    return request.subgraph.ids.seal_cursor(_REVIEW, ("/".join(one), "/".join(other)))


def open_review(request: Request[Any], sealed: str) -> tuple[Link, Link] | None:
    """The records of a review's id, or None for anything else."""
    found = request.subgraph.ids.open_cursor(_REVIEW, sealed)
    if found is None:
        return None
    one, other = (Link(*end.split("/", 1)) for end in found)
    return one, other


_QUEUE = "identityReviews"


def seal_place(request: Request[Any], place: Place) -> str:
    points, one, other = place
    return request.subgraph.ids.seal_cursor(_QUEUE, (repr(points), f"{one}/{other}"))


def open_place(request: Request[Any], cursor: str | None) -> Place | None:
    """Where a cursor stands; None without one, and for one of another list."""
    found = request.subgraph.ids.open_cursor(_QUEUE, cursor) if cursor is not None else None
    if found is None:
        return None
    points, ends = found
    one, other = map(int, ends.split("/"))
    return Place(float(points), one, other)
