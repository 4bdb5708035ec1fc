"""What is asked of a payer beforehand: a request, and its withdrawal."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import msgspec

from contract.errors import Code
from subgraphs.connectors.errors import CircuitOpen, RateLimited, Refused, Rejected, UpstreamError
from subgraphs.connectors.pas.bundles import Entry
from subgraphs.coverage.loaders.payers import Payers, load_coverages
from subgraphs.coverage.loaders.prior_authorizations import load_authorizations
from subgraphs.coverage.model.coverages import COVERAGE, CoverageResource
from subgraphs.coverage.model.preauthorization.record import (
    AUTHORIZATION,
    PriorAuthorization,
    pair,
)
from subgraphs.coverage.model.preauthorization.review import State
from subgraphs.coverage.model.preauthorization.wire import AnswerResource, RequestResource
from subgraphs.coverage.sources.authorization_desk import (
    Answered,
    AuthorizationDesk,
    InTheWay,
    Submission,
    Withdrawal,
)
from subgraphs.coverage.sources.authorization_requests import Service, Wanted
from subgraphs.coverage.sources.orders import ORDERED, Prescription
from subgraphs.runtime import fhir
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.facts import Fact, load_by_id, merge
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.labelling import ages_at, labels_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.scopes import Tokens
from subgraphs.runtime.sealing import RecordRef
from subgraphs.runtime.writes import Write

CLAIM: Final = "Claim"
AUTHORIZERS: Final = ("clinician", "biller")
"""Who may ask a payer for its agreement."""

ReadT = TypeVar("ReadT")


class NotTheirsError(Exception):
    """The caller may not do this for this patient."""


class ConflictError(Exception):
    """It cannot be done as things stand; `code` is the conflict's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RefusedError(Exception):
    """The payer refused."""

    def __init__(self, source: str, refusal: Rejected | Refused) -> None:
        super().__init__(source)
        self.source = source
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Ordered:
    """A service that carries out an order: what it is, if nothing else is said, the order says."""

    service: Service
    order: str | None = None
    """A `MedicationRequest.id`."""


@dataclass(frozen=True, slots=True)
class Done:
    """None for a request that its maker may not see."""

    authorization: Fact[PriorAuthorization] | None


async def submit(
    request: Request[Payers],
    asked: Asked,
    coverage: str,
    items: Sequence[Ordered],
    wanted: Wanted,
) -> Done:
    """Ask the payer of a coverage. `wanted` comes without its services, which the items hold."""
    covered = await _own_coverage(request, coverage)
    record = covered.records[0]
    permit(request, "c", covered.compartment)
    desk = _desk(request, record.source)
    parties = await _reach(desk, desk.parties(record.patient, covered.resource))
    services = [
        await _service(request, each, covered.compartment, parties.patient.url) for each in items
    ]
    at = request.subgraph.now()
    write = Submission(desk, parties, at, replace(wanted, services=services))
    return await _perform(request, asked, write, covered.compartment, record.patient)


async def withdraw(
    request: Request[Payers], asked: Asked, authorization: str, if_match: str | None
) -> Done:
    fact = await _own_authorization(request, authorization)
    record = fact.records[0]
    permit(request, "u", fact.compartment)
    desk = _desk(request, record.source)
    standing = record.resource
    if standing.request is None or ":" in standing.id:
        raise ConflictError("NOT_KEPT_AS_REQUEST")
    covered = await _coverage(request, fact, standing.request)
    parties = await _reach(desk, desk.parties(record.patient, covered))
    original = await _reach(desk, desk.read(CLAIM, standing.id))
    write = Withdrawal(
        desk, parties, request.subgraph.now(), original, _in_the_way(standing, if_match)
    )
    return await _perform(request, asked, write, fact.compartment, record.patient, fact)


def permit(request: Request[Payers], letter: str, compartment: Compartment) -> None:
    access = request.access
    has_role = any(access.has_role(role) for role in AUTHORIZERS)
    if not has_role or not access.may_write(CLAIM, letter, compartment):
        access.refuse(CLAIM, "role", compartment)
        raise NotTheirsError


def _in_the_way(standing: PriorAuthorization, if_match: str | None) -> str | None:
    if standing.state is State.WITHDRAWN:
        return "ALREADY_WITHDRAWN"
    if standing.state is State.DENIED:
        # PAS: what is denied is asked for anew, not changed.
        return "DENIED"
    return "STALE" if if_match not in (None, standing.version) else None


async def _perform(
    request: Request[Payers],
    asked: Asked,
    write: Write[Answered],
    compartment: Compartment,
    patient: str,
    replaced: Fact[PriorAuthorization] | None = None,
) -> Done:
    writes = request.services.writes
    assert writes is not None, "there is a store where there is a desk to write to"
    try:
        answered = await writes.perform(asked, write)
    except (RateLimited, CircuitOpen) as busy:
        raise SourcesDownError([(write.source, busy.state)], busy.retry_after) from None
    except InTheWay as conflict:
        raise ConflictError(conflict.code) from None
    except (Rejected, Refused) as refusal:
        raise RefusedError(write.source, refusal) from None
    request.forget()
    if not request.access.may_read(CLAIM, compartment):
        return Done(None)
    source = _payer_of(request, write)
    now = request.subgraph.now()
    own = [Record(source, patient, _read(answered), now)]
    facts = merge(
        request, AUTHORIZATION, [*own, *(replaced.records if replaced else ())], compartment
    )
    seen = (
        fact
        for fact in facts
        if fact.records[0].resource.id == own[0].resource.id
        and request.access.permits(fact, compartment)
    )
    return Done(next(seen, None))


def _payer_of(request: Request[Payers], write: Write[Answered]) -> str:
    desks = request.services.authorization_desks
    return next(payer for payer, desk in desks.items() if desk.source == write.source)


def _read(answered: Answered) -> PriorAuthorization:
    claim = msgspec.json.decode(answered.claim, type=RequestResource)
    response = msgspec.json.decode(answered.response, type=AnswerResource)
    (found,) = pair([claim], [_about(response, claim.id)])
    return found


def _about(response: AnswerResource, claim: str) -> AnswerResource:
    """It answers this request, whether it says so or not."""
    fields = {name: getattr(response, name) for name in response.__struct_fields__}
    return AnswerResource(**{**fields, "request": fhir.Reference(f"{CLAIM}/{claim}")})


def _desk(request: Request[Payers], payer: str) -> AuthorizationDesk:
    desk = request.services.authorization_desks.get(payer)
    if desk is None:
        raise ConflictError("NOT_ASKED_HERE")
    return desk


async def _reach(desk: AuthorizationDesk, reading: Awaitable[ReadT]) -> ReadT:
    """Reads that come before a write: nothing is asked for yet when they fail."""
    try:
        return await reading
    except Rejected as refusal:
        raise RefusedError(desk.source, refusal) from None
    except UpstreamError as error:
        raise SourcesDownError([(desk.source, error.state)], error.retry_after) from None


async def _own_coverage(request: Request[Payers], sealed: str) -> Fact[CoverageResource]:
    (found,) = await load_by_id(
        request, COVERAGE, [sealed], lambda patient: load_coverages(request, patient)
    )
    if isinstance(found, Exception):
        raise found
    return found


async def _own_authorization(request: Request[Payers], sealed: str) -> Fact[PriorAuthorization]:
    (found,) = await load_by_id(
        request, AUTHORIZATION, [sealed], lambda patient: load_authorizations(request, patient)
    )
    if isinstance(found, Exception):
        raise found
    return found


async def _coverage(
    request: Request[Payers], fact: Fact[PriorAuthorization], asked: RequestResource
) -> CoverageResource:
    """The one it is to be paid under. The payer knows it, whatever the caller may see of it."""
    source = fact.records[0].source
    id_ = asked.coverage.id_of("Coverage") if asked.coverage else None
    found = await load_coverages(request, fact.compartment)
    for each in found.rows:
        for record in each.records:
            if (record.source, record.resource.id) == (source, id_):
                return record.resource
    raise ClientError(Code.NOT_FOUND)


async def _service(
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


async def _prescription(
    request: Request[Payers], sealed: str, compartment: Compartment
) -> Prescription:
    """The patient's, if the caller may see it: what is withheld from them goes to no payer."""
    ref: RecordRef | None = request.subgraph.ids.open("medications", ORDERED, sealed)
    keeper = request.services.orders.get(ref.source) if ref else None
    if ref is None or keeper is None or not request.access.may_read(ORDERED, compartment):
        raise ClientError(Code.NOT_FOUND)
    try:
        found = await keeper.prescription(ref.id)
    except UpstreamError as error:
        raise SourcesDownError([(ref.source, error.state)], error.retry_after) from None
    if found is None or Link(ref.source, found.patient or "") not in compartment.links:
        raise ClientError(Code.NOT_FOUND)
    if not request.access.permits(_Labelled(found, compartment, ref.source), compartment):
        raise ClientError(Code.NOT_FOUND)
    return found


@dataclass(frozen=True, slots=True)
class _Labelled:
    """A prescription as the access decision wants it: with what its drug calls for."""

    prescription: Prescription
    compartment: Compartment
    source: str
    type: str = ORDERED

    @property
    def sources(self) -> frozenset[str]:
        return frozenset({self.source})

    @property
    def subjects(self) -> frozenset[str]:
        return fhir.subjects(self.prescription.drug)

    @property
    def tokens(self) -> Tokens:
        return self.prescription.tokens

    @property
    def labels(self) -> frozenset[str]:
        ages = ages_at(self.compartment.born, rank(self.prescription.authored_on))
        called_for = labels_of(self.prescription.mentions, ages)
        every = (*self.prescription.security, *called_for)
        return frozenset(label.code for label in every if label.code)


def _first_code(drug: fhir.CodeableConcept) -> dict[str, str]:
    coded = next((c for c in drug.coding if c.system and c.code), None)
    if coded is None or coded.system is None or coded.code is None:
        return {}
    display = {"display": coded.display} if coded.display else {}
    return {"system": coded.system, "code": coded.code, **display}
