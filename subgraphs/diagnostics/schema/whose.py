"""What facts lead to: their patient, their visit, the orders, specimens and results they name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import strawberry

from subgraphs.diagnostics import loaders
from subgraphs.diagnostics.schema import (
    encounters,
    imaging,
    media,
    observations,
    orders,
    patient,
    reports,
)
from subgraphs.diagnostics.schema.elsewhere import in_records
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.fhir import Reference
from subgraphs.runtime.following import Read, followed, held_by, pointing, refs_of

if TYPE_CHECKING:
    from subgraphs.diagnostics.schema.encounters import Encounter
    from subgraphs.diagnostics.schema.imaging import ImagingStudy
    from subgraphs.diagnostics.schema.media import Media
    from subgraphs.diagnostics.schema.observations import Observation
    from subgraphs.diagnostics.schema.orders import ServiceRequest, Specimen
    from subgraphs.diagnostics.schema.patient import Patient
    from subgraphs.diagnostics.schema.reports import DiagnosticReport
    from subgraphs.runtime.request import Request


def patient_of(fact: Fact[Any]) -> Patient:
    return patient.Patient(id=strawberry.ID(fact.patient))


def encounter_of(request: Request[Any], fact: Fact[Any]) -> Encounter | None:
    """The visit that the first record to name one names: ids are each source's own."""
    ids = in_records(request, fact, "Encounter", lambda record: record.encounter)
    return encounters.Encounter(id=ids[0]) if ids else None


async def orders_of(info: strawberry.Info, fact: Fact[Any]) -> list[ServiceRequest]:
    """The orders that the fact says it is based on, those the caller may see."""
    refs = refs_of(fact, "ServiceRequest", lambda record: record.based_on)
    if not refs:
        return []
    found = await loaders.load_orders(info.context, fact.compartment)
    node = partial(orders.ServiceRequest.of, info.context)
    return [node(each) for each in followed(found.rows, refs)]


async def specimens_of(
    info: strawberry.Info, fact: Fact[Any], read: Read = lambda record: record.specimen
) -> list[Specimen]:
    refs = refs_of(fact, "Specimen", read)
    found = await loaders.load_specimens(info.context, fact.compartment, refs)
    return [orders.Specimen.of(info.context, each) for each in found]


async def observations_of(info: strawberry.Info, fact: Fact[Any], read: Read) -> list[Observation]:
    """The observations that the fact refers to, those the caller may see."""
    refs = refs_of(fact, "Observation", read)
    if not refs:
        return []
    found = await loaders.load_observations(info.context, fact.compartment)
    rows = followed(found.rows, refs)
    if not rows:
        found.or_raise(refs[0].source)
    return [observations.Observation.of(info.context, each) for each in rows]


async def studies_of(info: strawberry.Info, fact: Fact[Any], read: Read) -> list[ImagingStudy]:
    refs = refs_of(fact, "ImagingStudy", read)
    if not refs:
        return []
    found = await loaders.load_studies(info.context, fact.compartment)
    node = partial(imaging.ImagingStudy.of, info.context)
    return [node(each) for each in followed(found.rows, refs)]


async def media_of(info: strawberry.Info, report: Fact[Any]) -> list[Media]:
    refs = refs_of(report, "Media", lambda record: [each.link for each in record.media])
    if not refs:
        return []
    found = await loaders.load_media(info.context, report.compartment)
    node = partial(media.Media.of, info.context)
    return [node(each) for each in followed(found.rows, refs)]


async def results_of(info: strawberry.Info, order: Fact[Any]) -> list[Observation]:
    """The observations that say they are based on the order."""
    found = await loaders.load_observations(info.context, order.compartment)
    rows = pointing(found.rows, order.type, _based_on, held_by(order))
    return [observations.Observation.of(info.context, row) for row in rows]


async def reports_of(info: strawberry.Info, order: Fact[Any]) -> list[DiagnosticReport]:
    """The reports that say they are based on the order."""
    found = await loaders.load_reports(info.context, order.compartment)
    rows = pointing(found.rows, order.type, _based_on, held_by(order))
    return [reports.DiagnosticReport.of(info.context, row) for row in rows]


def _based_on(record: Any) -> Sequence[Reference]:
    based: Sequence[Reference] = record.based_on
    return based
