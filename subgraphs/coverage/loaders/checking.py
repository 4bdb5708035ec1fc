"""Asking a payer about eligibility for the record, and what it has said before."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.x12.benefits import InquiryRefused
from subgraphs.connectors.x12.eligibility import Eligibility
from subgraphs.coverage.loaders.payers import Payers, load_coverages
from subgraphs.coverage.model.answers import FILED_ELIGIBILITY, EligibilityResource
from subgraphs.coverage.model.coverages import COVERAGE, CoverageResource
from subgraphs.coverage.model.estimate import CENT
from subgraphs.coverage.sources.checks import Check
from subgraphs.coverage.sources.eligibility import Question
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.errors import SourcesDownError
from subgraphs.runtime.facts import Fact, load_by_id, load_facts
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.sealing import RecordRef

CHECKERS: Final = frozenset(
    {"clinician", "nurse", "pharmacist", "scheduler", "registration-clerk", "biller", "developer"}
)
"""Staff who may ask a payer about a patient: not those who work for it."""
_MOST_ALLOWED: Final = Decimal(10_000_000)
_SERVICE_TYPE: Final = re.compile(r"[A-Z0-9]{1,2}")


class NotAskedHereError(Exception):
    """There is nobody to ask about this coverage, or no number to ask by."""


class NotTheirsError(Exception):
    """The caller may see the coverage, and is none who asks payers."""


class RefusedError(Exception):
    """The payer answers nobody who asks as we do."""

    def __init__(self, source: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.source = source
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Checked:
    """What a payer said of a member, when it was asked or by a file."""

    id: str
    source: str
    service_type: str
    at: datetime | None
    eligibility: Eligibility
    coverage: Fact[CoverageResource] | None
    """None for what a file says of no coverage that is known, or that the caller may see."""
    is_handed_in: bool = False
    payer: str | None = None
    """Their name, as a file tells it."""

    @property
    def rank(self) -> str:
        return rank(self.at.isoformat() if self.at else None)


def is_service_type(code: str) -> bool:
    """https://x12.org/codes/service-type-codes"""
    return _SERVICE_TYPE.fullmatch(code) is not None


def allowed_amount(amount: Decimal) -> Decimal | None:
    """An amount of money, to the cent; None for what is none."""
    if not 0 <= amount <= _MOST_ALLOWED or amount != amount.quantize(CENT):
        return None
    return amount.quantize(CENT)


async def load_checks(
    request: Request[Payers], coverage: Fact[CoverageResource]
) -> Gathered[Checked]:
    """Of all coverages of one request at once: what was asked, and what files say."""
    asked, filed = await asyncio.gather(
        _load_asked(request, coverage), load_filed(request, coverage.compartment)
    )
    told = (_filed(fact, coverage) for fact in filed.rows if _is_about(fact, coverage))
    return Gathered((*asked, *told), filed.sources)


async def load_all_checks(request: Request[Payers], compartment: Compartment) -> Gathered[Checked]:
    """Of all of a patient's coverages, and what files say of none of them."""
    coverages, filed = await asyncio.gather(
        load_coverages(request, compartment), load_filed(request, compartment)
    )
    asked = await asyncio.gather(*(_load_asked(request, each) for each in coverages.rows))
    told = (
        _filed(fact, next((c for c in coverages.rows if _is_about(fact, c)), None))
        for fact in filed.rows
    )
    rows = (*(check for checks in asked for check in checks), *told)
    return Gathered(rows, (*coverages.sources, *filed.sources))


async def load_filed(
    request: Request[Payers], compartment: Compartment
) -> Gathered[Fact[EligibilityResource]]:
    ask = {source: files.eligibility for source, files in request.services.files.items()}
    return await load_facts(request, FILED_ELIGIBILITY, ask, compartment, question="filed")


async def _load_asked(
    request: Request[Payers], coverage: Fact[CoverageResource]
) -> tuple[Checked, ...]:
    checks = request.services.checks
    if checks is None:
        return ()
    store = checks

    async def batch(refs: list[RecordRef]) -> list[list[Check]]:
        found = await store.of_coverages(refs)
        return [found.get(ref, []) for ref in refs]

    found: list[Check] = await request.load("eligibility checks", batch, _ref(coverage))
    return tuple(_asked(each, coverage) for each in found)


def _asked(check: Check, coverage: Fact[CoverageResource]) -> Checked:
    said = (check.source, check.service_type, check.at, check.eligibility)
    return Checked(check.id, *said, coverage)


def _filed(fact: Fact[EligibilityResource], coverage: Fact[CoverageResource] | None) -> Checked:
    told, answer = fact.resource, fact.resource.answer
    sent_at = told.meta.last_updated
    return Checked(
        fact.id,
        fact.records[0].source,
        told.service_type,
        datetime.fromisoformat(sent_at) if sent_at else None,
        told.eligibility,
        coverage,
        is_handed_in=True,
        payer=(answer.payer.name or None) if answer.payer else None,
    )


def _is_about(fact: Fact[EligibilityResource], coverage: Fact[CoverageResource]) -> bool:
    return any(fact.resource.is_about(r.source, r.resource) for r in coverage.records)


async def check(
    request: Request[Payers], asked: Asked, coverage: str, service_type: str
) -> Checked:
    """What the payer says now, noted; or what it said when this key came before."""
    (found,) = await load_by_id(
        request, COVERAGE, [coverage], lambda patient: load_coverages(request, patient)
    )
    if isinstance(found, Exception):
        raise found
    _permit(request, found.compartment)
    store, now = request.services.checks, request.subgraph.now()
    assert store is not None, "it is opened with the subgraph"
    earlier = await store.noted(asked, now)
    if earlier is not None:
        return _asked(earlier, found)
    record = found.records[0]
    desk = request.services.desks.get(record.source)
    if desk is None:
        raise NotAskedHereError
    try:
        (answer,) = await desk.ask([Question(record.patient, record.resource, service_type)])
    except InquiryRefused as refusal:
        raise RefusedError(desk.source, refusal.reason, str(refusal)) from None
    except UpstreamError as error:
        raise SourcesDownError([(desk.source, error.state)], error.retry_after) from None
    if answer is None:
        raise NotAskedHereError
    noted = await store.note(asked, _ref(found), desk.source, service_type, (now, answer))
    request.forget()
    return _asked(noted, found)


def _permit(request: Request[Payers], compartment: Compartment) -> None:
    """The patient herself, those who work for whoever treats her, and systems without a role."""
    access = request.access
    if not access.caller.roles or access.is_herself(compartment):
        return
    if not CHECKERS.isdisjoint(access.caller.roles):
        return
    access.refuse(COVERAGE.type, "role", compartment)
    raise NotTheirsError


def _ref(coverage: Fact[CoverageResource]) -> RecordRef:
    record = coverage.records[0]
    return RecordRef(record.source, COVERAGE.type, record.resource.id, record.patient)
