"""What payers answered about claims in X12 files: payments of an 835, statuses of a 277."""

from __future__ import annotations

from subgraphs.connectors.x12.claim_status import ClaimStatus
from subgraphs.connectors.x12.remittance import ClaimPayment, Remittance
from subgraphs.coverage.model.families import Numbers
from subgraphs.runtime import fhir


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


def _numbers(payer: str, account: str, claim: str, days: tuple[str, str] | None) -> Numbers:
    return Numbers(
        frozenset({f"{payer}|{account}"} if account else ()),
        frozenset({f"{payer}|{claim}"} if claim else ()),
        days,
    )
