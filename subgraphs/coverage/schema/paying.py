"""`payInvoice`."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import strawberry

from contract.errors import Code
from subgraphs.connectors.errors import CircuitOpen, RateLimited, Refused, Rejected
from subgraphs.connectors.payments.gateway import is_method
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.paying import (
    PAYMENT_NOTICE,
    NothingDueError,
    NotTheirsError,
    StaleError,
    pay,
)
from subgraphs.coverage.schema.invoices import Invoice
from subgraphs.coverage.sources.payments import NotDueError
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.idempotency import Asked, KeyReusedError
from subgraphs.runtime.mutations import (
    Because,
    Denied,
    InvalidInput,
    NotFound,
    StateConflict,
    UpstreamRefused,
    check_key,
    mutation,
)
from subgraphs.runtime.request import Request

NOTHING_DUE: Final = "NOTHING_DUE"
_ASKED = strawberry.argument(description="What is to be paid, and how.")
_DECLINED: Final = {
    "insufficient_funds": "The account does not hold enough.",
    "expired_card": "The card has expired.",
    "card_declined": "The bank declined the payment.",
    "authentication_required": "The bank wants its customer to confirm the payment first.",
}


@strawberry.type(description="The payment was taken.")
class InvoicePaid:
    invoice: Invoice | None = strawberry.field(
        description="As it is now; a payment that takes days is `PENDING` in it."
    )
    reference: str = strawberry.field(description="The payment gateway's number of the payment.")


PayInvoicePayload = Annotated[
    InvoicePaid | StateConflict | Denied | NotFound | InvalidInput | UpstreamRefused,
    strawberry.union(
        name="PayInvoicePayload", description="How the payment of an invoice can come out."
    ),
]
Payload: TypeAlias = InvoicePaid | StateConflict | Denied | UpstreamRefused


@strawberry.input(description="An invoice to be paid: all that is due of it.")
class PayInvoiceInput:
    idempotency_key: str = strawberry.field(
        description="Of the caller's making, another for each intention: sent again, nothing is "
        "paid twice."
    )
    invoice: strawberry.ID = strawberry.field(description="An `Invoice.id`.")
    payment_method: str = strawberry.field(
        description="The payment gateway's token of a card or an account, as `pm_…`; never a "
        "number of either, which is refused."
    )
    if_match: str = strawberry.field(
        description="The `Invoice.version` that was read: if it is another by now, nothing is paid."
    )


@strawberry.type(description="What changes something.")
class Mutation:
    @mutation(
        requires_scopes=[[f"{level}/{PAYMENT_NOTICE}.c"] for level in ("patient", "user")],
        description="Pay what is due of an invoice: for the patient, and billing on the patient's "
        "word. Conflicts: `STALE`, `NOTHING_DUE`. A refusal tells why: `card_declined`, "
        "`insufficient_funds`, `expired_card`, `authentication_required`.",
    )
    async def pay_invoice(
        self,
        info: strawberry.Info,
        input: Annotated[PayInvoiceInput, _ASKED],  # noqa: A002 - its public name
    ) -> PayInvoicePayload | None:
        request: Request[Payers] = info.context
        if not is_method(input.payment_method):
            raise ClientError(Code.BAD_USER_INPUT, argument="paymentMethod")
        given = (input.invoice, input.payment_method, input.if_match)
        key = check_key(input.idempotency_key)
        asked = Asked(request.access.caller, "payInvoice", key, given)
        try:
            invoice, taken = await pay(request, asked, *given)
        except KeyReusedError:
            return StateConflict.because(Because.KEY_REUSED)
        except StaleError:
            return StateConflict.because(Because.STALE)
        except (NothingDueError, NotDueError):
            return StateConflict(code=NOTHING_DUE, message="It is paid, or is being paid.")
        except NotTheirsError:
            return Denied(code="FORBIDDEN", message="Only the patient and billing may pay it.")
        except Rejected as error:
            return _refused(request, error)
        except (Refused, RateLimited, CircuitOpen) as error:
            raise SourcesDownError([(_gateway(request), error.state)], error.retry_after) from None
        return InvoicePaid(
            invoice=Invoice.of(request, invoice) if invoice else None, reference=taken.intent
        )


def _refused(request: Request[Payers], error: Rejected) -> UpstreamRefused:
    code = next(iter(error.codes), "")
    message = _DECLINED.get(code, "The payment was not taken.")
    return UpstreamRefused(source=_gateway(request), code=code, message=message)


def _gateway(request: Request[Payers]) -> str:
    gateway = request.services.gateway
    assert gateway is not None
    return gateway.config.id
