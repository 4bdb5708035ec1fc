"""What the payers add to a patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import strawberry
from strawberry import federation

from subgraphs.coverage.loaders import load_coverages, load_explanations
from subgraphs.coverage.schema.coverage import Coverage
from subgraphs.coverage.schema.explanation import ExplanationOfBenefit
from subgraphs.runtime.connection import Connection, Listing, connect
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for

First: TypeAlias = Annotated[int | None, strawberry.argument(description="At most 200.")]
After: TypeAlias = Annotated[
    str | None, strawberry.argument(description="A cursor: what follows it.")
]
_LISTING: Listing[Fact[Any]] = Listing(id=lambda fact: fact.id, rank=lambda fact: fact.rank)


@federation.type(keys=["id"], description="A person as all sources together know them.")
class Patient:
    id: strawberry.ID = strawberry.field(description="The enterprise id.")
    links: str | None = federation.field(external=True, default=None)

    @federation.field(
        requires=["links"],
        requires_scopes=scopes_for("Coverage"),
        description="Insurance and other coverages: what is in force first, then the newest.",
    )
    async def coverages(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Coverage] | None:
        request = info.context
        compartment = request.compartment(self.id, self.links)
        return connect(
            request,
            _LISTING,
            lambda fact: Coverage.of(fact, compartment),
            await load_coverages(request, compartment),
            scope=f"coverages:{self.id}",
            first=first,
            after=after,
        )

    @federation.field(
        requires=["links"],
        requires_scopes=scopes_for("ExplanationOfBenefit"),
        description="What payers decided about the patient's claims, the latest service first.",
    )
    async def explanations_of_benefit(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[ExplanationOfBenefit] | None:
        request = info.context
        compartment = request.compartment(self.id, self.links)
        return connect(
            request,
            _LISTING,
            lambda fact: ExplanationOfBenefit.of(fact, compartment),
            await load_explanations(request, compartment),
            scope=f"explanations:{self.id}",
            first=first,
            after=after,
        )

    @classmethod
    async def resolve_references(
        cls, _request: Request[Any], representations: Sequence[Representation]
    ) -> list[Patient]:
        return [cls(id=r["id"], links=r.get("links")) for r in representations]
