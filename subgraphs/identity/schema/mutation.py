"""The decisions of identity stewards, as mutations."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Final, TypeAlias

import strawberry

from contract.errors import Code
from subgraphs.identity.index.decisions import Refusal
from subgraphs.identity.loaders import PATIENT, Identity
from subgraphs.identity.schema.records import IdentityDecision
from subgraphs.identity.schema.reviews import open_review
from subgraphs.identity.schema.types import Patient
from subgraphs.identity.stewarding import (
    STEWARD,
    Act,
    Decided,
    Intention,
    decide,
    is_steward,
)
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.datatypes import FEW
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.mutations import (
    Because,
    Denied,
    InvalidInput,
    NotFound,
    StateConflict,
    UpstreamRefused,
    check_key,
    mutation,
)
from subgraphs.runtime.request import Request

_IN_THE_WAY: Final = {
    Refusal.ALREADY: "They are one person already.",
    Refusal.NOT_TOGETHER: "They are not records of one person, or no longer of two.",
    Refusal.NOTHING_LEFT: "A person has to keep at least one record.",
    Refusal.MERGED: "A record was merged into another: un-merge it first.",
    Refusal.NOT_MERGED: "The record was not merged into another.",
}
_ASKED = strawberry.argument(description="What is to be done, and why.")
_KEY = "Of the caller's making, another for each intention: sent again, nothing is done twice."
_REASON = "Why, for those who come after: at most 1,000 characters."
_MATCH = "The `version` that was read: if it is another by now, nothing is changed."


@strawberry.type(description="The decision was taken.")
class IdentityDecided:
    decision: IdentityDecision = strawberry.field(description="What was noted.")
    patients: list[Patient] = strawberry.field(
        directives=[FEW], description="The people it was about, as they are now."
    )


IdentityPayload = Annotated[
    IdentityDecided | StateConflict | Denied | NotFound | InvalidInput | UpstreamRefused,
    strawberry.union(
        name="IdentityPayload",
        description="How a decision about who is who can come out.",
    ),
]
Payload: TypeAlias = IdentityDecided | StateConflict | Denied | UpstreamRefused


@strawberry.input(description="Two people who are one.")
class LinkPatientsInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    reason: str = strawberry.field(description=_REASON)
    patient: strawberry.ID = strawberry.field(description="The one.")
    other: strawberry.ID = strawberry.field(description="The other.")
    if_match: str | None = strawberry.field(default=None, description=_MATCH)
    other_if_match: str | None = strawberry.field(default=None, description=_MATCH)


@strawberry.input(description="Records that are not of the person they are with.")
class UnlinkRecordsInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    reason: str = strawberry.field(description=_REASON)
    records: list[strawberry.ID] = strawberry.field(
        description="`IdentityRecord.id` of those to take out: together they are a person."
    )
    if_match: str | None = strawberry.field(default=None, description=_MATCH)


@strawberry.input(description="A record that another has replaced.")
class MergeRecordsInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    reason: str = strawberry.field(description=_REASON)
    prior: strawberry.ID = strawberry.field(description="The record to retire.")
    surviving: strawberry.ID = strawberry.field(description="The record that stays.")
    if_match: str | None = strawberry.field(default=None, description=_MATCH)


@strawberry.input(description="A merge that was wrong.")
class UnmergeRecordInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    reason: str = strawberry.field(description=_REASON)
    prior: strawberry.ID = strawberry.field(description="The record that was retired.")
    if_match: str | None = strawberry.field(default=None, description=_MATCH)


@strawberry.enum(description="What a review comes to.")
class IdentityVerdict(Enum):
    ONE = strawberry.enum_value("one", description="They are one person.")
    TWO = strawberry.enum_value("two", description="They are two people.")


@strawberry.input(description="The outcome of a review.")
class DecideIdentityReviewInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    reason: str = strawberry.field(description=_REASON)
    review: strawberry.ID = strawberry.field(description="An `IdentityReview.id`.")
    verdict: IdentityVerdict = strawberry.field(description="One person, or two.")
    if_match: str | None = strawberry.field(
        default=None, description="The review's `version`: if it is another, nothing is changed."
    )


_Input: TypeAlias = (
    LinkPatientsInput
    | UnlinkRecordsInput
    | MergeRecordsInput
    | UnmergeRecordInput
    | DecideIdentityReviewInput
)


@strawberry.type(description="What changes something.")
class Mutation:
    @mutation(
        policy=[[STEWARD]],
        description="Say that two people are one. Conflicts: `ALREADY`.",
    )
    async def link_patients(
        self,
        info: strawberry.Info,
        input: Annotated[LinkPatientsInput, _ASKED],  # noqa: A002 - its public name
    ) -> IdentityPayload | None:
        one, other = _record(info, input.patient), _record(info, input.other)
        about = {one: input.if_match, other: input.other_if_match}
        return await _take(info, input, about, lambda to, by: to.link(one, other, by))

    @mutation(
        policy=[[STEWARD]],
        description="Take records out of the person they are with. Conflicts: `NOT_TOGETHER`, "
        "`NOTHING_LEFT`, `MERGED`.",
    )
    async def unlink_records(
        self,
        info: strawberry.Info,
        input: Annotated[UnlinkRecordsInput, _ASKED],  # noqa: A002 - its public name
    ) -> IdentityPayload | None:
        leaving = [_record(info, record) for record in input.records]
        about = dict.fromkeys(leaving, input.if_match)
        return await _take(info, input, about, lambda to, by: to.unlink(leaving, by))

    @mutation(
        policy=[[STEWARD]],
        description="Retire a record in favour of another: it stays findable. Conflicts: `MERGED`.",
    )
    async def merge_records(
        self,
        info: strawberry.Info,
        input: Annotated[MergeRecordsInput, _ASKED],  # noqa: A002 - its public name
    ) -> IdentityPayload | None:
        prior, surviving = _record(info, input.prior), _record(info, input.surviving)
        about = {surviving: None, prior: input.if_match}
        return await _take(info, input, about, lambda to, by: to.merge(prior, surviving, by))

    @mutation(
        policy=[[STEWARD]],
        description="Undo a merge: what came with the record goes with it. Conflicts: "
        "`NOT_MERGED`.",
    )
    async def unmerge_record(
        self,
        info: strawberry.Info,
        input: Annotated[UnmergeRecordInput, _ASKED],  # noqa: A002 - its public name
    ) -> IdentityPayload | None:
        prior = _record(info, input.prior)
        about = {prior: input.if_match}
        return await _take(info, input, about, lambda to, by: to.unmerge(prior, by))

    @mutation(
        policy=[[STEWARD]],
        description="Decide a review. Conflicts: `ALREADY`, `NOT_TOGETHER`, where it is settled.",
    )
    async def decide_identity_review(
        self,
        info: strawberry.Info,
        input: Annotated[DecideIdentityReviewInput, _ASKED],  # noqa: A002 - its public name
    ) -> IdentityPayload | None:
        ends = open_review(info.context, input.review)
        if ends is None:
            raise ClientError(Code.NOT_FOUND)
        versions = (input.if_match or "").split(".") if input.if_match else (None, None)
        if len(versions) != len(ends):
            return StateConflict.because(Because.STALE)
        is_one = input.verdict is IdentityVerdict.ONE
        return await _take(
            info,
            input,
            dict(zip(ends, versions, strict=True)),
            lambda to, by: to.link(*ends, by) if is_one else to.keep_apart(*ends, by),
        )


async def _take(
    info: strawberry.Info, given: _Input, about: Mapping[Link, str | None], act: Act
) -> Payload:
    request: Request[Identity] = info.context
    if not is_steward(request):
        return Denied(code=Code.FORBIDDEN.value, message="Only an identity steward decides this.")
    asked = Asked(
        request.access.caller,
        info.field_name,
        check_key(given.idempotency_key),
        strawberry.asdict(given),
    )
    taken = await decide(request, Intention(asked, given.reason, about), act)
    if isinstance(taken, Decided):
        return IdentityDecided(
            decision=IdentityDecision.of(request, taken.decision),
            patients=[Patient.of(request, person) for person in taken.people],
        )
    if isinstance(taken.because, Because):
        return StateConflict.because(taken.because)
    code = taken.because.name
    return StateConflict(code=code, message=_IN_THE_WAY[taken.because])


def _record(info: strawberry.Info, id_: str) -> Link:
    ref = info.context.open(PATIENT, id_)
    if ref is None:
        raise ClientError(Code.NOT_FOUND)
    return Link(ref.source, ref.id)
