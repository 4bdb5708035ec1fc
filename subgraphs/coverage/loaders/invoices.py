"""Invoices: what patients owe for their claims, and what they have paid of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from subgraphs.connectors.payments.gateway import SUCCEEDED
from subgraphs.coverage.loaders.billing import may_see_billing
from subgraphs.coverage.loaders.claims import ClaimFact, load_claims
from subgraphs.coverage.loaders.payers import Payers, load_explanations
from subgraphs.coverage.model.invoices import Bill, bill_of
from subgraphs.coverage.sources.payments import Noted, PaymentBook
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request

INVOICE = "Invoice"
_CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class InvoiceNow:
    claim: ClaimFact
    bill: Bill
    payments: tuple[Noted, ...] = ()
    """The latest first."""

    @property
    def paid(self) -> int:
        return sum(each.paid.amount for each in self.payments if each.paid.status == SUCCEEDED)

    @property
    def pending(self) -> int:
        """What is on its way, and may yet be declined."""
        counted = sum(each.paid.amount for each in self.payments if each.paid.counts)
        return counted - self.paid

    @property
    def due(self) -> int:
        """What is neither paid nor on its way."""
        return max(0, self.bill.owed - self.paid - self.pending)

    @property
    def version(self) -> str:
        """Changes with what is owed and with every payment."""
        told = (self.bill.owed, [(each.token, each.paid.status) for each in self.payments])
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]

    @property
    def records(self) -> tuple[Link, ...]:
        return records_of(self.claim)


def records_of(claim: ClaimFact) -> tuple[Link, ...]:
    return tuple(Link(record.source, record.resource.id) for record in claim.versions)


async def load_invoices(request: Request[Payers], compartment: Compartment) -> Gathered[InvoiceNow]:
    """Of the claims whose amounts the caller may see."""
    claims = await load_claims(request, compartment)
    known = tuple(claim for claim in claims.rows if may_see_billing(request, claim))
    invoices = await invoices_of(request, known)
    return Gathered(tuple(invoices), claims.sources)


async def invoices_of(request: Request[Payers], claims: Sequence[ClaimFact]) -> list[InvoiceNow]:
    """Of one patient's claims, those for which something is owed."""
    if not claims:
        return []
    explanations = await load_explanations(request, claims[0].compartment)
    billed = []
    for claim in claims:
        told = [(r.resource.transfer, r.resource.paid) for r in claim.remittances]
        explained = [
            fact.resource
            for fact in explanations.rows
            if fact.resource.status == "active" and claim.is_explained_by(fact)
        ]
        bill = bill_of(told, explained)
        if bill is not None and claim.resource.status != _CANCELLED:
            billed.append(InvoiceNow(claim, bill))
    book = request.services.book
    if book is None or not billed:
        return billed

    paid = await asyncio.gather(*(_paid(request, book, each) for each in billed))
    return [
        InvoiceNow(each.claim, each.bill, payments)
        for each, payments in zip(billed, paid, strict=True)
    ]


async def _paid(
    request: Request[Payers], book: PaymentBook, invoice: InvoiceNow
) -> tuple[Noted, ...]:
    async def batch(claims: list[tuple[Link, ...]]) -> list[list[Noted]]:
        return await book.of_claims(claims)

    found: list[Noted] = await request.load("paid", batch, invoice.records)
    return tuple(found)
