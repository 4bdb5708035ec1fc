"""What is told as it happens: a payer has answered a request for prior authorization."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import RequiresScopes

from contract.errors import Code
from subgraphs.coverage.loaders.authorizing import CLAIM
from subgraphs.coverage.loaders.news import AnswerNews, read_news, topic_of
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.loaders.prior_authorizations import load_authorizations
from subgraphs.coverage.model.preauthorization.record import PriorAuthorization as Record
from subgraphs.coverage.schema.prior_authorizations import PriorAuthorization
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for
from subgraphs.runtime.sealing import RecordRef
from subgraphs.runtime.subscribing import UNSEEN, Unseen


@federation.type(
    requires_scopes=scopes_for(CLAIM),
    description="A request for prior authorization that was made, answered or taken back.",
)
class PriorAuthorizationEvent:
    prior_authorization: PriorAuthorization = strawberry.field(description="As it is now.")


@dataclass(frozen=True, slots=True)
class _Answered:
    """`subgraphs.runtime.subscribing.Event`"""

    news: AnswerNews

    async def load(self, request: Request[Payers]) -> PriorAuthorizationEvent | Unseen:
        ref = RecordRef(self.news.source, CLAIM, self.news.claim, self.news.patient)
        (compartment,) = await request.compartments([ref])
        if compartment is None:
            return UNSEEN
        gathered = await load_authorizations(request, compartment)
        gathered.or_raise(self.news.source)
        found = next((fact for fact in gathered.rows if self._is_of(fact)), None)
        if found is None:
            return UNSEEN
        shown = PriorAuthorization.of(request, found)
        return PriorAuthorizationEvent(prior_authorization=shown)

    def _is_of(self, fact: Fact[Record]) -> bool:
        """By the request, or by the answer where that names none."""
        news = self.news
        return any(
            record.source == news.source
            and (
                record.resource.id == news.claim
                or (record.resource.answer is not None and record.resource.answer.id == news.answer)
            )
            for record in fact.records
        )


@strawberry.type(description="What is told as it happens.")
class Subscription:
    @strawberry.subscription(
        graphql_type=PriorAuthorizationEvent | None,
        directives=[RequiresScopes(scopes=scopes_for(CLAIM))],
        description="Each answer of a payer to a request for prior authorization of a patient, or, "
        "where none is named, of whoever asks: to requests and withdrawals made here, and what a "
        "payer notifies us of once it has decided what was pended. What the caller may not see is "
        "not told.",
    )
    async def prior_authorization_changed(
        self,
        info: strawberry.Info,
        patient_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="A `Patient.id`.")
        ] = None,
    ) -> AsyncGenerator[Any, None]:
        request: Request[Payers] = info.context
        topics = await _topics(request, patient_id)
        with request.subgraph.events.listen(*topics) as answers:
            async for answer in answers:
                yield _Answered(read_news(answer))


async def _topics(request: Request[Payers], patient: str | None) -> list[str]:
    """What to listen to, once it is decided that the caller may."""
    if patient is None:
        launch = request.access.launch
        ref = launch and RecordRef(launch.source, "Patient", launch.id, launch.id)
    else:
        ref = request.subgraph.ids.open("identity", "Patient", patient)
    compartment = (await request.compartments([ref]))[0] if ref else None
    if compartment is None or not request.access.may_read(CLAIM, compartment):
        raise ClientError(Code.NOT_FOUND)
    return [topic_of(link) for link in compartment.links]
