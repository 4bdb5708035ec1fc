"""What payers say of claims now, of all claims of a request in one question to each."""

from __future__ import annotations

from dataclasses import dataclass

from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.x12.claim_status import ClaimStatus
from subgraphs.connectors.x12.status_inquiry import Provider
from subgraphs.coverage.loaders.claims import ClaimFact
from subgraphs.coverage.loaders.payers import Payers, coverages_of, load_organization
from subgraphs.coverage.model.coverages import COVERAGE, CoverageResource
from subgraphs.coverage.model.families import days_of
from subgraphs.coverage.sources.claim_status import StatusQuestion
from subgraphs.runtime.errors import SourcesDownError
from subgraphs.runtime.facts import load_records
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.npi import npi_of
from subgraphs.runtime.request import Request


@dataclass(frozen=True, slots=True)
class LiveStatus:
    source: str
    """Who was asked."""
    status: ClaimStatus


async def load_live_statuses(
    request: Request[Payers], claim: ClaimFact
) -> tuple[LiveStatus, ...] | None:
    """None where nobody can be asked; nothing where the payer says nothing of it."""
    desks = request.services.status_desks
    payer = next((each for each in claim.payers if each in desks), None)
    covered = await _coverage(request, claim, payer) if payer else None
    if payer is None or covered is None:
        return None
    desk = desks[payer]
    question = StatusQuestion(
        covered.patient,
        covered.resource,
        claim.account_at(payer),
        claim.claim_number_at(payer),
        claim.resource.charged,
        days_of(claim.resource.billable_period),
        await _provider(request, claim),
    )
    try:
        found = await request.load(("claim statuses", payer), desk.ask, question)
    except UpstreamError as error:
        raise SourcesDownError([(desk.source, error.state)], error.retry_after) from None
    return None if found is None else tuple(LiveStatus(desk.source, each) for each in found)


async def _coverage(
    request: Request[Payers], claim: ClaimFact, payer: str
) -> Record[CoverageResource] | None:
    """The one it was sent under, or else the one in force that day: the payer knows it, whatever
    the caller may see of it.
    """
    found = await load_records(request, COVERAGE, coverages_of(request), claim.compartment)
    told = (record for record in found.or_raise(payer).rows if record.source == payer)
    rows = [record for record in told if not COVERAGE.retracted(record.resource)]
    named = {each for record in claim.records for each in record.resource.coverages}
    for row in rows:
        if row.resource.id in named:
            return row
    days = days_of(claim.resource.billable_period)
    in_force = [row for row in rows if days is None or _holds(row.resource, days[0])]
    return next(iter(in_force), None)


def _holds(coverage: CoverageResource, day: str) -> bool:
    period = days_of(coverage.period)
    if period is None or coverage.period is None:
        return True
    return period[0] <= day and (not coverage.period.end or day <= period[1])


async def _provider(request: Request[Payers], claim: ClaimFact) -> Provider | None:
    """Who submitted it, by the first record to tell a National Provider Identifier."""
    for record in claim.leading:
        told = record.resource.provider
        if told is None:
            continue
        identifiers = [told.identifier] if told.identifier else []
        contained = (c for c in record.resource.contained if f"#{c.id}" == told.reference)
        identifiers += [each for c in contained for each in c.identifiers]
        npi, name = npi_of(identifiers), told.display or ""
        id_ = told.id_of("Organization")
        if npi is None and id_ and record.source in request.services.payers:
            organization = await load_organization(request, record.source, id_)
            if organization is not None:
                npi, name = npi_of(organization.identifier), organization.name or name
        if npi is not None:
            return Provider(npi, name)
    return None
