"""How prior authorizations are loaded, and whom and what they name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from subgraphs.connectors.errors import UpstreamError
from subgraphs.coverage.loaders.payers import Payers, load_explained_rows, load_name
from subgraphs.coverage.model.coverages import CoverageResource
from subgraphs.coverage.model.preauthorization.record import AUTHORIZATION, PriorAuthorization
from subgraphs.coverage.model.preauthorization.wishes import Wish
from subgraphs.coverage.sources.prior_authorizations import Party
from subgraphs.runtime import fhir
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.errors import SourcesDownError
from subgraphs.runtime.facts import Fact, load_facts
from subgraphs.runtime.gathering import Gathered, Record
from subgraphs.runtime.request import Request
from subgraphs.runtime.sealing import RecordRef

ORDERED = "MedicationRequest"


async def load_authorizations(
    request: Request[Payers], compartment: Compartment
) -> Gathered[Fact[PriorAuthorization]]:
    payers = request.services.authorizations
    ask = {
        source: partial(payer.of_patients, partial(load_explained_rows, request, source))
        for source, payer in payers.items()
    }
    return await load_facts(
        request, AUTHORIZATION, ask, compartment, question="prior authorizations"
    )


async def load_under(
    request: Request[Payers], coverage: Fact[CoverageResource]
) -> Gathered[Fact[PriorAuthorization]]:
    """Those that are to be paid under a coverage."""
    gathered = await load_authorizations(request, coverage.compartment)
    known = {(record.source, record.resource.id) for record in coverage.records}
    rows = tuple(fact for fact in gathered.rows if _coverage_of(fact) in known)
    return Gathered(rows, gathered.sources)


def _coverage_of(fact: Fact[PriorAuthorization]) -> tuple[str, str | None]:
    asked = fact.resource.request
    reference = asked.coverage if asked else None
    return fact.records[0].source, reference.id_of("Coverage") if reference else None


async def load_for_order(
    request: Request[Payers], order: RecordRef
) -> Fact[PriorAuthorization] | None:
    """The newest that asks for what was ordered; None where nobody asked, or nobody may see it."""
    (compartment,) = await request.compartments([order])
    if compartment is None:
        return None
    gathered = await load_authorizations(request, compartment)
    linked = [
        fact
        for fact in gathered.rows
        if (order.source, order.id) in orders_of(request.services.bases, fact)
    ]
    return max(linked, key=lambda fact: (fact.rank, fact.id), default=None)


def orders_of(
    bases: Mapping[str, str], fact: Fact[PriorAuthorization]
) -> dict[tuple[str, str], fhir.Reference]:
    """The prescriptions asked about, each by the source that keeps it and its id there."""
    placed = ((place_of(bases, each, ORDERED), each) for each in fact.resource.orders)
    return {at: reference for at, reference in placed if at}


def place_of(
    bases: Mapping[str, str], reference: fhir.Reference, type_: str
) -> tuple[str, str] | None:
    """Of a record in an EHR. A relative reference means the payer's own copy of one."""
    for source, base in bases.items():
        if (reference.reference or "").startswith(base.rstrip("/") + "/"):
            id_ = reference.id_of(type_)
            return (source, id_) if id_ else None
    return None


async def load_party(
    request: Request[Payers],
    fact: Fact[PriorAuthorization],
    reference: fhir.Reference | None,
) -> str | None:
    """The name of an organization or a practitioner: as the record says, or else as they do."""
    if reference is None:
        return None
    record = fact.records[0]
    for part in (record.resource.request, record.resource.answer):
        if part is not None:
            within = Record(record.source, record.patient, part, record.received_at)
            name = await load_name(request, within, reference)
            if name:
                return name
    id_ = reference.id_of("Practitioner")
    party = await _load_practitioner(request, record.source, id_) if id_ else None
    return party.full_name if party else None


async def load_wishes(request: Request[Payers], fact: Fact[PriorAuthorization]) -> list[Wish]:
    """What the payer wants to know before it decides, of all authorizations in one question."""
    record, answer = fact.records[0], fact.resource.answer
    asked = answer.communication_request if answer else ()
    ids = [id_ for each in asked if (id_ := each.id_of("CommunicationRequest"))]
    found = await asyncio.gather(*(_load_wish(request, record.source, id_) for id_ in ids))
    return [wish for wish in found if wish is not None and wish.is_about(record.patient)]


async def _load_wish(request: Request[Payers], source: str, id_: str) -> Wish | None:
    async def batch(ids: list[str]) -> list[Wish | None]:
        found = await request.services.authorizations[source].wishes(ids)
        return [found.get(id_) for id_ in ids]

    try:
        return await request.load(("CommunicationRequest", source), batch, id_)
    except UpstreamError as error:
        raise SourcesDownError([(source, error.state)], error.retry_after) from None


async def _load_practitioner(request: Request[Payers], source: str, id_: str) -> Party | None:
    async def batch(ids: list[str]) -> list[Party | None]:
        found = await request.services.authorizations[source].practitioners(ids)
        return [found.get(id_) for id_ in ids]

    try:
        return await request.load(("Practitioner", source), batch, id_)
    except UpstreamError as error:
        raise SourcesDownError([(source, error.state)], error.retry_after) from None
