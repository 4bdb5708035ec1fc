"""Asking a payer about eligibility for the record, and what it has said before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from contract.errors import Code
from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.x12.benefits import InquiryRefused
from subgraphs.coverage.loaders.payers import Payers, load_coverages
from subgraphs.coverage.model.coverages import COVERAGE, CoverageResource
from subgraphs.coverage.sources.checks import Check
from subgraphs.coverage.sources.eligibility import Question
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.facts import Fact, load_by_id
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.request import Request
from subgraphs.runtime.sealing import RecordRef

_SERVICE_TYPE: Final = re.compile(r"[A-Z0-9]{1,2}")


class NotAskedHereError(Exception):
    """There is nobody to ask about this coverage, or no number to ask by."""


class RefusedError(Exception):
    """The payer answers nobody who asks as we do."""

    def __init__(self, source: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.source = source
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Checked:
    check: Check
    coverage: Fact[CoverageResource]


def check_service_type(code: str) -> str:
    """https://x12.org/codes/service-type-codes"""
    if not _SERVICE_TYPE.fullmatch(code):
        raise ClientError(Code.BAD_USER_INPUT, argument="serviceType")
    return code


async def load_checks(
    request: Request[Payers], coverage: Fact[CoverageResource]
) -> tuple[Check, ...]:
    """Of all coverages of one request at once, the newest first."""
    checks = request.services.checks
    if checks is None:
        return ()
    store = checks

    async def batch(refs: list[RecordRef]) -> list[list[Check]]:
        found = await store.of_coverages(refs)
        return [found.get(ref, []) for ref in refs]

    found: list[Check] = await request.load("eligibility checks", batch, _ref(coverage))
    return tuple(found)


async def check(
    request: Request[Payers], asked: Asked, coverage: str, service_type: str
) -> Checked:
    """What the payer says now, noted; or what it said when this key came before."""
    (found,) = await load_by_id(
        request, COVERAGE, [coverage], lambda patient: load_coverages(request, patient)
    )
    if isinstance(found, Exception):
        raise found
    store, now = request.services.checks, request.subgraph.now()
    assert store is not None, "it is opened with the subgraph"
    earlier = await store.noted(asked, now)
    if earlier is not None:
        return Checked(earlier, found)
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
    return Checked(noted, found)


def _ref(coverage: Fact[CoverageResource]) -> RecordRef:
    record = coverage.records[0]
    return RecordRef(record.source, COVERAGE.type, record.resource.id, record.patient)
