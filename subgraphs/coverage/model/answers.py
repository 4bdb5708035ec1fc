"""What payers answered in X12 files: payments of an 835, statuses of a 277, benefits of a 271."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from subgraphs.connectors.x12.benefits import MemberAnswer
from subgraphs.connectors.x12.claim_status import ClaimStatus
from subgraphs.connectors.x12.eligibility import HEALTH_PLAN, Eligibility, read_eligibility
from subgraphs.connectors.x12.remittance import ClaimPayment, Remittance
from subgraphs.coverage.model.coverages import CoverageResource
from subgraphs.coverage.model.families import Numbers
from subgraphs.runtime import fhir
from subgraphs.runtime.kinds import Kind
from subgraphs.runtime.scalars import rank


class RemittanceResource(fhir.Resource, frozen=True, kw_only=True):
    """One claim of an 835, and the transfer it was paid by."""

    patient: fhir.Reference
    payer: str
    """Whose claim numbers it repeats: a source's id, or the payer's number in the file."""
    transfer_id: str
    transfer: Remittance
    """Without its claims."""
    paid: ClaimPayment

    @property
    def owner(self) -> fhir.Reference:
        return self.patient

    @property
    def numbers(self) -> Numbers:
        known = [*self.paid.dates, *(each.date for each in self.paid.services if each.date)]
        days = (min(known).isoformat(), max(known).isoformat()) if known else None
        return _numbers(self.payer, self.paid.account, self.paid.payer_claim, days)


class StatusResource(fhir.Resource, frozen=True, kw_only=True):
    """What a 277 says of one claim."""

    patient: fhir.Reference
    payer: str
    status: ClaimStatus

    @property
    def owner(self) -> fhir.Reference:
        return self.patient

    @property
    def numbers(self) -> Numbers:
        dates = self.status.dates
        days = (dates.start.isoformat(), dates.end.isoformat()) if dates else None
        return _numbers(self.payer, self.status.account, self.status.payer_claim, days)


class EligibilityResource(fhir.Resource, frozen=True, kw_only=True):
    """What a 271 says of one member."""

    patient: fhir.Reference
    payer: str
    answer: MemberAnswer

    @property
    def owner(self) -> fhir.Reference:
        return self.patient

    @property
    def service_type(self) -> str:
        """What it is about: the plan as a whole, unless it tells of services alone."""
        told = [type_ for each in self.answer.benefits for type_ in each.service_types]
        return HEALTH_PLAN if not told or HEALTH_PLAN in told else told[0]

    @property
    def eligibility(self) -> Eligibility:
        """With all that it says, also of other services: nobody asked about one alone."""
        told = read_eligibility(self.answer, self.service_type)
        others = (each for each in self.answer.benefits if each not in told.benefits)
        return replace(told, benefits=(*told.benefits, *others))

    def is_about(self, source: str, coverage: CoverageResource) -> bool:
        numbers = (coverage.member_number, coverage.subscriber_id)
        return self.payer == source and self.answer.member_id in numbers


FILED_ELIGIBILITY: Final[Kind[EligibilityResource]] = Kind(
    # It is as open as the coverage that it tells of.
    type="Coverage",
    rank=lambda told: rank(told.meta.last_updated),
    same=lambda _: None,
)


def _numbers(payer: str, account: str, claim: str, days: tuple[str, str] | None) -> Numbers:
    return Numbers(
        frozenset({f"{payer}|{account}"} if account else ()),
        frozenset({f"{payer}|{claim}"} if claim else ()),
        days,
    )
