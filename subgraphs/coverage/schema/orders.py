"""Orders that other subgraphs keep, as far as payers have a say in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.loaders.prior_authorizations import ORDERED, load_for_order
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_nodes import FACT_ID, MEDICATION_REQUEST
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for
from subgraphs.runtime.sealing import RecordRef

if TYPE_CHECKING:
    from subgraphs.coverage.schema.prior_authorizations import PriorAuthorization

_KEEPER = "medications"
"""The subgraph whose ids these are."""


@federation.type(keys=["id"], description=MEDICATION_REQUEST)
class MedicationRequest:
    id: strawberry.ID = strawberry.field(description=FACT_ID)

    @federation.field(
        requires_scopes=scopes_for("Claim"),
        description="The newest request for prior authorization that names it; null where the "
        "payer was not asked about it.",
    )
    async def prior_authorization(
        self, info: strawberry.Info
    ) -> (
        Annotated[
            PriorAuthorization, strawberry.lazy("subgraphs.coverage.schema.prior_authorizations")
        ]
        | None
    ):
        from subgraphs.coverage.schema.prior_authorizations import (  # noqa: PLC0415 - it names us
            PriorAuthorization,
        )

        request: Request[Payers] = info.context
        ref = request.subgraph.ids.open(_KEEPER, ORDERED, self.id)
        if ref is None:
            raise ClientError(Code.NOT_FOUND)
        fact = await load_for_order(request, ref)
        return PriorAuthorization.of(request, fact) if fact else None

    @classmethod
    def at(
        cls, request: Request[Any], compartment: Compartment, place: tuple[str, str]
    ) -> MedicationRequest | None:
        """The patient's prescription that a source keeps under an id; None where she has none
        there: an order is shown with the patient's own record alone."""
        source, id_ = place
        patient = next((link.id for link in compartment.links if link.source == source), None)
        if patient is None:
            return None
        ref = RecordRef(source, ORDERED, id_, patient)
        return cls(id=strawberry.ID(request.subgraph.ids.seal(_KEEPER, ref)))

    @classmethod
    async def resolve_references(
        cls, _request: Request[Any], representations: Sequence[Representation]
    ) -> list[MedicationRequest]:
        # Whether there is such a prescription is for its own subgraph to say.
        return [cls(id=strawberry.ID(str(each.get("id")))) for each in representations]
