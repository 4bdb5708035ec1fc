"""What was seen through broken glass, and what the review of it said."""

from __future__ import annotations

from datetime import UTC, datetime

import strawberry

from subgraphs.governance import model
from subgraphs.governance.schema.values import AccessActor
from subgraphs.runtime.datatypes import FEW
from subgraphs.runtime.scalars import DateTime, exact

strawberry.enum(
    model.Verdict, name="BreakGlassVerdict", description="What a review of broken glass comes to."
)


@strawberry.type(description="What a privacy officer made of it.")
class BreakGlassReview:
    verdict: model.Verdict = strawberry.field(description="Whether it was justified.")
    comment: str = strawberry.field(description="Why, in the officer's words.")
    reviewed_at: DateTime = strawberry.field(description="When.")
    reviewed_by: AccessActor = strawberry.field(description="By whom.")

    @classmethod
    def of(cls, review: model.Review) -> BreakGlassReview:
        return cls(
            verdict=review.verdict,
            comment=review.comment,
            reviewed_at=moment(review.at),
            reviewed_by=AccessActor.of(review.author),
        )


@strawberry.type(description="An answer that showed what the grant had opened.")
class BreakGlassUse:
    at: DateTime = strawberry.field(description="When.")
    operation_name: str | None = strawberry.field(
        description="The operation's name, if it had one."
    )
    types: list[str] = strawberry.field(
        directives=[FEW],
        description="FHIR types of the records that were closed without the grant, in order.",
    )

    @classmethod
    def of(cls, disclosure: model.Disclosure, grant: str) -> BreakGlassUse:
        types = sorted(each.type for each in disclosure.broken if each.grant == grant)
        return cls(at=moment(disclosure.at), operation_name=disclosure.operation_name, types=types)


def moment(at: float) -> DateTime:
    return exact(datetime.fromtimestamp(at, UTC))
