"""The visit of a claim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.records.billing import load_visit
from subgraphs.records.schema.encounters import Encounter
from subgraphs.runtime.billing_key import CLAIM
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_nodes import FACT_ID
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for


@federation.type(keys=["id"], description=CLAIM)
class Claim:
    id: strawberry.ID = strawberry.field(description=FACT_ID)
    billing_key: str | None = federation.field(
        external=True, default=None, description="The way to its visit, sealed."
    )

    @federation.field(
        requires=["billingKey"],
        requires_scopes=scopes_for("Encounter"),
        description="The visit it is for: one that it refers to, or whose account it carries.",
    )
    async def encounter(self, info: strawberry.Info) -> Encounter | None:
        fact = await load_visit(info.context, self.id, self.billing_key)
        return Encounter.of(info.context, fact) if fact else None

    @classmethod
    async def resolve_references(
        cls, _request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return [cls._of(representation) for representation in representations]

    @classmethod
    def _of(cls, representation: Representation) -> Claim | Exception:
        id_, key = representation.get("id"), representation.get("billingKey")
        if not isinstance(id_, str) or not isinstance(key, str | None):
            return ClientError(Code.BAD_REQUEST, "A representation lacks its key.")
        return cls(id=strawberry.ID(id_), billing_key=key)
