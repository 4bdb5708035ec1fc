"""Invoices and their payments."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum

import strawberry
from strawberry import federation

from subgraphs.connectors.payments.gateway import PROCESSING, SUCCEEDED
from subgraphs.coverage.loaders.invoices import INVOICE, InvoiceNow
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.model.invoices import from_cents
from subgraphs.coverage.schema.claims import Claim
from subgraphs.coverage.schema.values import usd
from subgraphs.coverage.sources.payments import ASKED, Noted
from subgraphs.runtime.datatypes import FEW, Money
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date, DateTime, exact
from subgraphs.runtime.scopes import scopes_for


@strawberry.enum(description="How far a payment has come.")
class InvoicePaymentStatus(Enum):
    PENDING = strawberry.enum_value(
        "pending", description="Asked for, and not settled: a debit takes days."
    )
    SUCCEEDED = strawberry.enum_value("succeeded", description="The money is there.")
    FAILED = strawberry.enum_value("failed", description="It was declined or called off.")


@strawberry.enum(description="Where an invoice stands.")
class InvoiceStatus(Enum):
    OPEN = strawberry.enum_value("open", description="Something is due.")
    PENDING = strawberry.enum_value("pending", description="The rest is on its way.")
    PAID = strawberry.enum_value("paid", description="Nothing is owed any more.")


@strawberry.type(description="One payment of an invoice.")
class InvoicePayment:
    reference: str | None = strawberry.field(
        description="The payment gateway's number of it; null until it has answered."
    )
    status: InvoicePaymentStatus = strawberry.field(description="How far it has come.")
    amount: Money = strawberry.field(description="How much.")
    at: DateTime = strawberry.field(description="When it was asked for.")

    @classmethod
    def of(cls, noted: Noted) -> InvoicePayment:
        paid = noted.paid
        return cls(
            reference=paid.intent,
            status=_status(paid.status),
            amount=usd(from_cents(paid.amount)),
            at=exact(datetime.fromtimestamp(paid.at, UTC)),
        )


@federation.type(
    requires_scopes=scopes_for("Claim"),
    description="What a patient owes for a claim once it is decided: by the remittances, or as "
    "long as there are none, by the explanations of benefit. For billing and the patient.",
)
class Invoice:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    version: str = strawberry.field(
        description="Changes with what is owed and with every payment; for `ifMatch`."
    )
    status: InvoiceStatus = strawberry.field(description="Where it stands.")
    issued: Date | None = strawberry.field(description="When the claim was decided.")
    total: Money = strawberry.field(description="What the patient owes for the claim.")
    paid: Money = strawberry.field(description="What has been paid of it here.")
    pending: Money = strawberry.field(description="What is on its way.")
    due: Money = strawberry.field(description="What is left to pay.")
    claim: Claim = strawberry.field(description="What it is for.")
    payments: list[InvoicePayment] = strawberry.field(
        directives=[FEW], description="The latest first."
    )

    @classmethod
    def of(cls, request: Request[Payers], invoice: InvoiceNow) -> Invoice:
        return cls(
            id=strawberry.ID(invoice_id(request, invoice)),
            version=invoice.version,
            status=_state(invoice),
            issued=Date(invoice.bill.issued) if invoice.bill.issued else None,
            total=usd(from_cents(invoice.bill.owed)),
            paid=usd(from_cents(invoice.paid)),
            pending=usd(from_cents(invoice.pending)),
            due=usd(from_cents(invoice.due)),
            claim=Claim.of(request, invoice.claim),
            payments=[InvoicePayment.of(each) for each in invoice.payments],
        )


def invoice_id(request: Request[Payers], invoice: InvoiceNow) -> str:
    record = invoice.claim.records[0]
    return request.seal(INVOICE, record.source, record.resource.id, record.patient)


def _state(invoice: InvoiceNow) -> InvoiceStatus:
    if invoice.due:
        return InvoiceStatus.OPEN
    return InvoiceStatus.PENDING if invoice.pending else InvoiceStatus.PAID


def _status(told: str) -> InvoicePaymentStatus:
    if told == SUCCEEDED:
        return InvoicePaymentStatus.SUCCEEDED
    if told in (ASKED, PROCESSING):
        return InvoicePaymentStatus.PENDING
    return InvoicePaymentStatus.FAILED
