"""A visit's claims."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.coverage.loaders.claims import load_claims
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.loaders.prior_authorizations import place_of
from subgraphs.coverage.schema.claims import Claim
from subgraphs.runtime import fhir
from subgraphs.runtime.billing_key import open_billing
from subgraphs.runtime.connection import PAGE, After, Connection, First, Listing, connect
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_nodes import ENCOUNTER, FACT_ID
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for
from subgraphs.runtime.sealing import RecordRef


@federation.type(keys=["id"], description=ENCOUNTER)
class Encounter:
    id: strawberry.ID = strawberry.field(description=FACT_ID)
    billing_key: str | None = federation.field(
        external=True, default=None, description="The way to its claims, sealed."
    )

    @federation.field(
        directives=[PAGE],
        requires=["billingKey"],
        requires_scopes=scopes_for("Claim"),
        description="What payers were asked to pay for it: claims that refer to the visit, or "
        "carry the number of its account. The latest service comes first.",
    )
    async def claims(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Claim] | None:
        request: Request[Payers] = info.context
        key = open_billing(request.subgraph.ids, "Encounter", self.id, self.billing_key)
        if key is None:
            raise ClientError(Code.NOT_FOUND)
        found = await load_claims(request, await request.directed(key.compartment))
        rows = tuple(claim for claim in found.rows if key.meets(claim.accounts, claim.encounters))
        return connect(
            request,
            Listing(id=lambda claim: claim.id, rank=lambda claim: claim.rank),
            partial(Claim.of, request),
            Gathered(rows, found.sources),
            scope=f"encounter-claims:{self.id}",
            first=first,
            after=after,
        )

    @classmethod
    def at(
        cls, request: Request[Payers], fact: Fact[Any], reference: fhir.Reference
    ) -> Encounter | None:
        """Of the patient of a fact, in an EHR of ours. Whether it may be seen records decides."""
        place = place_of(request.services.bases, reference, "Encounter")
        links = fact.compartment.links
        owner = next((link.id for link in links if place and link.source == place[0]), None)
        if place is None or owner is None:
            return None
        ref = RecordRef(place[0], "Encounter", place[1], owner)
        return cls(id=strawberry.ID(request.subgraph.ids.seal("records", ref)))

    @classmethod
    async def resolve_references(
        cls, _request: Request[Payers], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return [cls._of(representation) for representation in representations]

    @classmethod
    def _of(cls, representation: Representation) -> Encounter | Exception:
        id_, key = representation.get("id"), representation.get("billingKey")
        if not isinstance(id_, str) or not isinstance(key, str | None):
            return ClientError(Code.BAD_REQUEST, "A representation lacks its key.")
        return cls(id=strawberry.ID(id_), billing_key=key)
