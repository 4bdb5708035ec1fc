"""Pay an invoice: once for each intention, never more than is due, whoever dies in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from contract.errors import Code
from subgraphs.connectors.errors import Rejected
from subgraphs.connectors.payments.gateway import Intent, Order, PaymentGateway
from subgraphs.coverage.loaders.billing import BILLING_ROLES
from subgraphs.coverage.loaders.claims import ClaimFact, load_claims
from subgraphs.coverage.loaders.invoices import INVOICE, InvoiceNow, invoices_of, records_of
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.sources.payments import ASKED, PaymentBook
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.request import Request

USD: Final = "usd"
PAYMENT_NOTICE: Final = "PaymentNotice"
"""The type whose scopes a payment is under. https://hl7.org/fhir/R4/paymentnotice.html"""
_ABANDONED: Final = 15 * 60
"""Seconds after which a payment that was asked for and not answered is looked for: by then no call
is under way, and the gateway's search knows of all that has arrived."""


class Taken(msgspec.Struct, frozen=True):
    """What came of it, as the gateway said."""

    intent: str
    status: str
    amount: int


class StaleError(Exception):
    """The invoice has changed since it was read."""


class NotTheirsError(Exception):
    """Neither the patient's own nor billing's to pay."""


class NothingDueError(Exception):
    """It is paid, or a payment is under way."""


@dataclass(frozen=True, slots=True)
class InvoicePayment:
    """One payment as a write (`runtime.writes`): its place is taken before the gateway is asked."""

    gateway: PaymentGateway
    book: PaymentBook
    invoice: InvoiceNow
    method: str
    if_match: str

    @property
    def source(self) -> str:
        return self.gateway.config.id

    @property
    def outcome(self) -> type[Taken]:
        return Taken

    async def send(self, token: str) -> Taken:
        amount = await self.book.held(token) or await self._reserve(token)
        try:
            intent = await self.gateway.pay(Order(amount, USD, self.method), token)
        except Rejected:
            await self.book.release(token)
            raise
        return await self._keep(token, intent)

    async def find(self, token: str) -> Taken | None:
        intent = await self.gateway.find(token)
        return await self._keep(token, intent) if intent else None

    async def _reserve(self, token: str) -> int:
        """Its place, and with it what is to be paid; sent again, it has that already."""
        invoice = self.invoice
        if invoice.version != self.if_match:
            raise StaleError
        if not invoice.due:
            raise NothingDueError
        await self.book.reserve(token, invoice.records, invoice.due, USD, invoice.bill.owed)
        return invoice.due

    async def _keep(self, token: str, intent: Intent) -> Taken:
        await self.book.note(token, intent, intent.created)
        return Taken(intent.id, intent.status, intent.amount)


async def pay(
    request: Request[Payers], asked: Asked, invoice: str, method: str, if_match: str
) -> tuple[InvoiceNow | None, Taken]:
    """The invoice as it is afterwards, and the payment.

    Raises what `Writes.perform` does, StaleError, NothingDueError, NotTheirsError, NotDueError.
    """
    services = request.services
    if services.writes is None or services.book is None or services.gateway is None:
        raise ClientError(Code.BAD_USER_INPUT, "Payments are not taken here.")
    claim = await _claim(request, invoice)
    access, whose = request.access, claim.compartment
    may_write = access.may_write(PAYMENT_NOTICE, "c", whose)
    if not may_write or not (access.is_herself(whose) or _is_billing(request)):
        raise NotTheirsError
    await _look_for_abandoned(request, claim)
    (now, *_) = [*await invoices_of(request, [claim]), None]
    if now is None:
        raise NothingDueError
    write = InvoicePayment(services.gateway, services.book, now, method, if_match)
    taken = await services.writes.perform(asked, write)
    paid = tuple((await services.book.of_claims([now.records]))[0])
    return InvoiceNow(claim, now.bill, paid), taken


async def _claim(request: Request[Payers], invoice: str) -> ClaimFact:
    ref = request.open(INVOICE, invoice)
    if ref is not None:
        (compartment,) = await request.compartments([ref])
        if compartment is not None:
            found = await load_claims(request, compartment)
            claim = next((claim for claim in found.rows if claim.holds(ref)), None)
            if claim is not None:
                return claim
    raise ClientError(Code.NOT_FOUND)


def _is_billing(request: Request[Payers]) -> bool:
    return not BILLING_ROLES.isdisjoint(request.access.caller.roles)


async def _look_for_abandoned(request: Request[Payers], claim: ClaimFact) -> None:
    """What somebody asked for long ago and never asked about again is found out."""
    book, gateway = request.services.book, request.services.gateway
    assert book is not None
    assert gateway is not None
    now = request.subgraph.now().timestamp()
    ((*noted,),) = await book.of_claims([records_of(claim)])
    for each in noted:
        if each.paid.status == ASKED and each.paid.at < now - _ABANDONED:
            intent = await gateway.find(each.token)
            if intent is None:
                await book.release(each.token)
            else:
                await book.note(each.token, intent, intent.created)
