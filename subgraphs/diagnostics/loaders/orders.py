"""How orders, specimens and images are loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from contract.errors import Code
from subgraphs.connectors.errors import UpstreamError
from subgraphs.diagnostics.kinds import MEDIA, ORDERS, SPECIMENS, STUDIES
from subgraphs.diagnostics.loaders.observations import (
    Diagnostics,
    load_observations,
    load_reports,
)
from subgraphs.diagnostics.model import ImagingStudy, Media, ServiceRequest, Specimen
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.facts import Fact, load_facts, merge
from subgraphs.runtime.following import followed, held_by, refs_of
from subgraphs.runtime.gathering import Gathered, Record
from subgraphs.runtime.request import Request
from subgraphs.runtime.sealing import RecordRef

# https://hl7.org/fhir/R4/valueset-request-status.html, valueset-request-intent.html
_STANDING: Final = frozenset({"active", "on-hold"})
_ORDERED: Final = frozenset({"order", "original-order", "reflex-order", "filler-order"})
_UNFINISHED: Final = frozenset({None, "registered", "preliminary", "partial", "unknown"})


async def load_orders(
    request: Request[Diagnostics], patient: Compartment
) -> Gathered[Fact[ServiceRequest]]:
    ask = {name: source.orders for name, source in request.services.items()}
    return await load_facts(request, ORDERS, ask, patient)


async def load_outstanding(
    request: Request[Diagnostics], patient: Compartment
) -> Gathered[Fact[ServiceRequest]]:
    """The orders that still stand and that no finished result or report answers."""
    orders, results, reports = await asyncio.gather(
        load_orders(request, patient),
        load_observations(request, patient),
        load_reports(request, patient),
    )
    answers: list[Fact[Any]] = [*results.rows, *reports.rows]
    answered = {
        (ref.source, ref.id)
        for fact in answers
        if fact.resource.status not in _UNFINISHED
        for ref in refs_of(fact, ORDERS.type, lambda record: record.based_on)
    }
    rows = tuple(
        order
        for order in orders.rows
        if is_to_be_done(order.resource) and answered.isdisjoint(held_by(order))
    )
    return Gathered(rows, orders.sources)


def is_to_be_done(order: ServiceRequest) -> bool:
    """Whether it asks for something that has not been done, cancelled or forbidden."""
    return (
        order.status in _STANDING and order.intent in _ORDERED and order.do_not_perform is not True
    )


async def load_studies(
    request: Request[Diagnostics], patient: Compartment
) -> Gathered[Fact[ImagingStudy]]:
    ask = {name: source.studies for name, source in request.services.items()}
    return await load_facts(request, STUDIES, ask, patient)


async def load_media(request: Request[Diagnostics], patient: Compartment) -> Gathered[Fact[Media]]:
    ask = {name: source.media for name, source in request.services.items()}
    return await load_facts(request, MEDIA, ask, patient)


async def load_specimens(
    request: Request[Diagnostics], patient: Compartment, refs: Sequence[RecordRef]
) -> list[Fact[Specimen]]:
    """Those referred to, in that order; all that is asked for at once is one read of a source."""
    if not refs or not request.access.may_read(SPECIMENS.type, patient):
        return []
    found = await asyncio.gather(*(_load_specimen(request, ref) for ref in refs))
    at = request.subgraph.now()
    records = [
        Record(ref.source, ref.patient, specimen, at)
        for ref, specimen in zip(refs, found, strict=True)
        if specimen is not None and _is_of(specimen, ref.patient)
    ]
    facts = merge(request, SPECIMENS, records, patient)
    permitted = [fact for fact in facts if request.access.permits(fact, patient)]
    return followed(permitted, refs)


async def specimens_by_id(
    request: Request[Diagnostics], ids: Sequence[object]
) -> list[Fact[Specimen] | Exception]:
    """The specimen behind each sealed id, or the error to put in its place."""
    refs = [request.open(SPECIMENS.type, id_) for id_ in ids]
    known = [ref for ref in refs if ref is not None]
    compartments = dict(zip(known, await request.compartments(known), strict=True))
    return await asyncio.gather(*(_by_ref(request, ref, compartments) for ref in refs))


async def _by_ref(
    request: Request[Diagnostics],
    ref: RecordRef | None,
    compartments: Mapping[RecordRef, Compartment | None],
) -> Fact[Specimen] | Exception:
    compartment = compartments.get(ref) if ref else None
    if ref is None or compartment is None:
        return ClientError(Code.NOT_FOUND)
    try:
        found = await load_specimens(request, compartment, [ref])
    except ClientError as error:
        return error
    return found[0] if found else ClientError(Code.NOT_FOUND)


async def _load_specimen(request: Request[Diagnostics], ref: RecordRef) -> Specimen | None:
    source = request.services.get(ref.source)
    if source is None:
        return None

    async def batch(ids: list[str]) -> list[Specimen | None]:
        held = await source.specimens(ids)
        return [held.get(id_) for id_ in ids]

    try:
        return await request.load((SPECIMENS.type, ref.source), batch, ref.id)
    except UpstreamError as failure:
        raise SourcesDownError([(ref.source, failure.state)], failure.retry_after) from None


def _is_of(specimen: Specimen, patient: str) -> bool:
    return specimen.owner is not None and specimen.owner.id_of("Patient") == patient
