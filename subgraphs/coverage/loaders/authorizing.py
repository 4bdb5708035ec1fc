"""What is asked of a payer beforehand: a request, and its withdrawal."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import msgspec

from contract.errors import Code
from subgraphs.connectors.errors import CircuitOpen, RateLimited, Refused, Rejected, UpstreamError
from subgraphs.coverage.loaders.enclosing import Ordered, documents_of, service_of
from subgraphs.coverage.loaders.news import AnswerNews, tell_answer
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
from subgraphs.coverage.sources.authorization_requests import Wanted
from subgraphs.runtime import fhir
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.facts import Fact, load_by_id, merge
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.request import Request
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
class Done:
    """None for a request that its maker may not see."""

    authorization: Fact[PriorAuthorization] | None


async def submit(
    request: Request[Payers],
    asked: Asked,
    coverage: str,
    items: Sequence[Ordered],
    documents: Sequence[str],
    wanted: Wanted,
) -> Done:
    """Ask the payer of a coverage. `wanted` comes without its services, which the items hold, and
    without its documents, which are named by their ids."""
    covered = await _own_coverage(request, coverage)
    record = covered.records[0]
    permit(request, "c", covered.compartment)
    desk = _desk(request, record.source)
    parties = await _reach(desk, desk.parties(record.patient, covered.resource))
    whose, told_of = covered.compartment, parties.patient.url
    services = [await service_of(request, each, whose, told_of) for each in items]
    papers = await documents_of(request, documents, whose, told_of)
    at = request.subgraph.now()
    write = Submission(desk, parties, at, replace(wanted, services=services, documents=papers))
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
    source = _payer_of(request, write)
    done = _read(answered)
    told = AnswerNews(source, patient, done.answer.id if done.answer else "", done.id)
    await tell_answer(request.subgraph.events, told)
    if not request.access.may_read(CLAIM, compartment):
        return Done(None)
    own = [Record(source, patient, done, request.subgraph.now())]
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
