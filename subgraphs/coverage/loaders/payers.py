"""Coverages, explanations and eligibility of the patients of one request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.payments.gateway import PaymentGateway
from subgraphs.connectors.x12.eligibility import Eligibility
from subgraphs.coverage.model.coverages import COVERAGE, CoverageResource
from subgraphs.coverage.model.explanations import EXPLANATION, ExplanationResource
from subgraphs.coverage.model.payers import Organization, PayerResource
from subgraphs.coverage.sources.authorization_desk import AuthorizationDesk
from subgraphs.coverage.sources.checks import Checks
from subgraphs.coverage.sources.claim_status import StatusDesk
from subgraphs.coverage.sources.eligibility import EligibilityDesk, Question
from subgraphs.coverage.sources.files import ClaimFiles
from subgraphs.coverage.sources.orders import Orders
from subgraphs.coverage.sources.papers import Papers
from subgraphs.coverage.sources.payer import Payer, Rows, explained
from subgraphs.coverage.sources.payments import PaymentBook
from subgraphs.coverage.sources.prior_authorizations import PriorAuthorizations
from subgraphs.runtime import fhir
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.errors import SourcesDownError
from subgraphs.runtime.facts import Fact, load_facts
from subgraphs.runtime.gathering import Answer, Ask, Gathered, Record
from subgraphs.runtime.request import Request
from subgraphs.runtime.writes import Writes


@dataclass(frozen=True, slots=True)
class Payers:
    """The subgraph's own services, by the id of the payer's FHIR source."""

    payers: Mapping[str, Payer]
    desks: Mapping[str, EligibilityDesk]
    authorizations: Mapping[str, PriorAuthorizations] = field(default_factory=dict)
    files: Mapping[str, ClaimFiles] = field(default_factory=dict)
    """The inboxes of X12 files, by their own ids."""
    authorization_desks: Mapping[str, AuthorizationDesk] = field(default_factory=dict)
    orders: Mapping[str, Orders] = field(default_factory=dict)
    """Of the sources that keep prescriptions."""
    papers: Mapping[str, Papers] = field(default_factory=dict)
    """Of the sources that keep documents and filled forms."""
    writes: Writes | None = None
    checks: Checks | None = None
    status_desks: Mapping[str, StatusDesk] = field(default_factory=dict)
    gateway: PaymentGateway | None = None
    """Where invoices are paid; without one they are only shown."""
    book: PaymentBook | None = None

    @property
    def bases(self) -> dict[str, str]:
        """Where the sources that keep prescriptions have them."""
        return {source: orders.base for source, orders in self.orders.items()}


async def load_coverages(
    request: Request[Payers], compartment: Compartment
) -> Gathered[Fact[CoverageResource]]:
    return await load_facts(request, COVERAGE, coverages_of(request), compartment)


def coverages_of(request: Request[Payers]) -> Mapping[str, Ask[CoverageResource]]:
    return {source: payer.coverages for source, payer in request.services.payers.items()}


async def load_explanations(
    request: Request[Payers], compartment: Compartment
) -> Gathered[Fact[ExplanationResource]]:
    ask = {source: partial(_explained, request, source) for source in request.services.payers}
    return await load_facts(request, EXPLANATION, ask, compartment)


async def load_explained_rows(
    request: Request[Payers], source: str, patients: Sequence[str]
) -> Rows:
    """The explanations a payer keeps of these members: whoever asks for them, they come once."""

    async def batch(ids: list[str]) -> list[Sequence[Mapping[str, Any]]]:
        found = await request.services.payers[source].explanations(ids)
        return [found.get(id_, ()) for id_ in ids]

    load = partial(request.load, ("rows of explanations", source), batch)
    return dict(zip(patients, await asyncio.gather(*map(load, patients)), strict=True))


async def _explained(
    request: Request[Payers], source: str, patients: Sequence[str]
) -> Answer[ExplanationResource]:
    return explained(await load_explained_rows(request, source, patients))


async def load_name(
    request: Request[Payers],
    record: Record[PayerResource],
    reference: fhir.Reference | None,
) -> str | None:
    """The name of whom a record refers to: as it says itself, or else as the organization does."""
    if reference is None:
        return None
    said = reference.display or record.resource.contained_name(reference)
    id_ = reference.id_of("Organization")
    if said or id_ is None:
        return said
    found = await load_organization(request, record.source, id_)
    return found.name if found else None


async def load_organization(request: Request[Payers], source: str, id_: str) -> Organization | None:
    async def batch(ids: list[str]) -> list[Organization | None]:
        found = await request.services.payers[source].organizations(ids)
        return [found.get(id_) for id_ in ids]

    try:
        return await request.load(("Organization", source), batch, id_)
    except UpstreamError as error:
        raise SourcesDownError([(source, error.state)], error.retry_after) from None


async def load_eligibility(
    request: Request[Payers], fact: Fact[CoverageResource], service_type: str
) -> Eligibility | None:
    """None where the payer has no eligibility desk, or says nothing about this member."""
    record = fact.records[0]
    desk = request.services.desks.get(record.source)
    if desk is None:
        return None
    question = Question(record.patient, record.resource, service_type)
    try:
        return await request.load(("eligibility", record.source), desk.ask, question)
    except UpstreamError as error:
        raise SourcesDownError([(desk.source, error.state)], error.retry_after) from None
