"""What governance knows of a patient."""

from __future__ import annotations

from functools import partial

import strawberry
from strawberry import federation

from subgraphs.governance import model
from subgraphs.governance.loaders import CONSENT, Governance, load_consents
from subgraphs.governance.schema.consents import Consent
from subgraphs.runtime.connection import PAGE, After, Connection, First, Listing, connect
from subgraphs.runtime.fact_nodes import PATIENT, PatientNode
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for

_CONSENTS: Listing[model.Consent] = Listing(
    id=lambda consent: consent.id, rank=lambda consent: f"{consent.recorded_at:020.6f}"
)


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for(CONSENT),
        description="What the patient has directed about who may see her records, revoked consents "
        "included; the one changed last first. For herself, her proxies, and those who answer for "
        "privacy.",
    )
    async def consents(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Consent] | None:
        request: Request[Governance] = info.context
        compartment = await request.compartment(self.id, self.links)
        consents = await load_consents(request, compartment)
        return connect(
            request,
            _CONSENTS,
            partial(Consent.of, request),
            Gathered(tuple(consents)),
            scope=f"consents:{self.id}",
            first=first,
            after=after,
        )
