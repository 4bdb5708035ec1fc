"""What of a patient's record goes to a payer along with a request: orders, documents, forms.

What is withheld from whoever asks goes to no payer: to them it is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from contract.errors import Code
from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.pas.bundles import Entry
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.sources.authorization_requests import Document, Service
from subgraphs.coverage.sources.orders import ORDERED, Prescription
from subgraphs.coverage.sources.papers import DOCUMENT, FORM, Paper
from subgraphs.runtime import fhir
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.labelling import ages_at, labels_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.scopes import Tokens
from subgraphs.runtime.sealing import RecordRef

MOST_BYTES: Final = 8_000_000
"""Of all documents of a request together."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A service that carries out an order: what it is, if nothing else is said, the order says."""

    service: Service
    order: str | None = None
    """A `MedicationRequest.id`."""


async def service_of(
    request: Request[Payers], item: Ordered, compartment: Compartment, patient_url: str
) -> Service:
    if item.order is None:
        return item.service
    prescription = await _prescription(request, item.order, compartment)
    entry = Entry(prescription.url, prescription.told_to(patient_url))
    code = item.service.code or _first_code(prescription.drug)
    if not code:
        raise ClientError(Code.BAD_USER_INPUT, argument="service")
    return replace(item.service, code=code, order=entry)


async def documents_of(
    request: Request[Payers], sealed: Sequence[str], compartment: Compartment, patient_url: str
) -> list[Document]:
    """In their order."""
    papers = await asyncio.gather(*(_paper(request, each, compartment) for each in sealed))
    if sum(paper.size for paper in papers) > MOST_BYTES:
        raise ClientError(Code.BAD_USER_INPUT, argument="documents", maximum=MOST_BYTES)
    return [Document(paper.told_to(patient_url), paper.title) for paper in papers]


async def _prescription(
    request: Request[Payers], sealed: str, compartment: Compartment
) -> Prescription:
    ref: RecordRef | None = request.subgraph.ids.open("medications", ORDERED, sealed)
    keeper = request.services.orders.get(ref.source) if ref else None
    if ref is None or keeper is None or not request.access.may_read(ORDERED, compartment):
        raise ClientError(Code.NOT_FOUND)
    try:
        found = await keeper.prescription(ref.id)
    except UpstreamError as error:
        raise SourcesDownError([(ref.source, error.state)], error.retry_after) from None
    if found is None or not _is_theirs(request, found, compartment, ref.source):
        raise ClientError(Code.NOT_FOUND)
    return found


async def _paper(request: Request[Payers], sealed: str, compartment: Compartment) -> Paper:
    opened = (request.subgraph.ids.open("records", type_, sealed) for type_ in (DOCUMENT, FORM))
    ref = next((ref for ref in opened if ref), None)
    keeper = request.services.papers.get(ref.source) if ref else None
    if ref is None or keeper is None or not request.access.may_read(ref.type, compartment):
        raise ClientError(Code.NOT_FOUND)
    try:
        found = await keeper.paper(ref.type, ref.id)
    except UpstreamError as error:
        raise SourcesDownError([(ref.source, error.state)], error.retry_after) from None
    if found is None or not _is_theirs(request, found, compartment, ref.source):
        raise ClientError(Code.NOT_FOUND)
    return found


class _Enclosed(Protocol):
    """A record that may go along."""

    @property
    def type(self) -> str: ...
    @property
    def patient(self) -> str | None: ...
    @property
    def moment(self) -> str | None: ...
    @property
    def tokens(self) -> Mapping[str, frozenset[str]]: ...
    @property
    def subjects(self) -> frozenset[str]: ...
    @property
    def security(self) -> tuple[fhir.Coding, ...]: ...
    @property
    def mentions(self) -> frozenset[str]: ...


def _is_theirs(
    request: Request[Payers], found: _Enclosed, compartment: Compartment, source: str
) -> bool:
    """The patient's, and the caller's to see."""
    if Link(source, found.patient or "") not in compartment.links:
        return False
    return request.access.permits(_Labelled(found, compartment, source), compartment)


@dataclass(frozen=True, slots=True)
class _Labelled:
    """A record as the access decision wants it: with what it calls for by what it mentions."""

    found: _Enclosed
    compartment: Compartment
    source: str

    @property
    def type(self) -> str:
        return self.found.type

    @property
    def sources(self) -> frozenset[str]:
        return frozenset({self.source})

    @property
    def subjects(self) -> frozenset[str]:
        return self.found.subjects

    @property
    def tokens(self) -> Tokens:
        return self.found.tokens

    @property
    def labels(self) -> frozenset[str]:
        ages = ages_at(self.compartment.born, rank(self.found.moment))
        called_for = labels_of(self.found.mentions, ages)
        every = (*self.found.security, *called_for)
        return frozenset(label.code for label in every if label.code)


def _first_code(drug: fhir.CodeableConcept) -> dict[str, str]:
    coded = next((c for c in drug.coding if c.system and c.code), None)
    if coded is None or coded.system is None or coded.code is None:
        return {}
    display = {"display": coded.display} if coded.display else {}
    return {"system": coded.system, "code": coded.code, **display}
