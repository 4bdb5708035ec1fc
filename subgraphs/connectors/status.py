"""Turn an HTTP answer that is no success into the error that says what to do about it."""

from __future__ import annotations

import email.utils
import time
from http import HTTPStatus
from typing import Final

import httpx2
import msgspec

from subgraphs.connectors.errors import (
    ProtocolViolation,
    RateLimited,
    Refused,
    Rejected,
    TimedOut,
    Unavailable,
)

# https://hl7.org/fhir/R4/valueset-issue-type.html; anything else may be free text, hence PHI.
_CODES = (
    "invalid structure required value invariant security login unknown expired forbidden "
    "suppressed processing not-supported duplicate multiple-matches not-found deleted too-long "
    "code-invalid extension too-costly business-rule conflict transient lock-error no-store "
    "exception timeout incomplete throttled informational"
)
ISSUE_CODES = frozenset(_CODES.split())
# https://docs.stripe.com/error-codes, https://docs.stripe.com/declines/codes: those of use here.
_PAYMENT_CODES = (
    "card_declined insufficient_funds expired_card incorrect_cvc incorrect_number processing_error "
    "authentication_required amount_too_small amount_too_large resource_missing idempotency_error "
    "idempotency_key_in_use lost_card stolen_card do_not_honor fraudulent"
)
PAYMENT_CODES = frozenset(_PAYMENT_CODES.split())
_BODILESS = frozenset({HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT})


SOAP: Final = "application/soap+xml"
# https://www.w3.org/TR/soap12-part2/#http-reqbindwaitstate
_FAULTS: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR})


class Unauthorized(Refused):
    """401: new credentials may help."""


def check_answer(response: httpx2.Response, media_types: tuple[str, ...]) -> None:
    """Return if this is a success of one of the media types; raise an `UpstreamError` if not."""
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if SOAP in media_types and media_type == SOAP and response.status_code in _FAULTS:
        return  # a SOAP fault is an answer, and says more than its status
    if not response.is_success:
        raise_for_status(response.status_code, response.headers, response.content)
    if response.status_code == HTTPStatus.NO_CONTENT:
        return
    if response.status_code in _BODILESS:
        return
    if media_type not in media_types:
        raise ProtocolViolation("the source's answer is not of the media type asked for")


def raise_for_status(status: int, headers: httpx2.Headers, body: bytes) -> None:
    match status:
        case HTTPStatus.UNAUTHORIZED:
            raise Unauthorized("the source refused our credentials")
        case HTTPStatus.FORBIDDEN:
            raise Refused("the source denies our credentials this access")
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.GATEWAY_TIMEOUT:
            raise TimedOut("the source did not answer in time")
        case HTTPStatus.TOO_MANY_REQUESTS:
            raise RateLimited(
                "the source asks for fewer requests", retry_after=retry_after(headers)
            )
        case HTTPStatus.NOT_IMPLEMENTED:
            raise Rejected(status, _issue_codes(body))
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable("the source is unavailable", retry_after=retry_after(headers))
        case _ if status >= HTTPStatus.BAD_REQUEST:
            raise Rejected(status, _issue_codes(body))
        case _:
            raise ProtocolViolation("the source answered with a redirect, which is not followed")


def retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds, from either form of the header. RFC 9110 §10.2.3"""
    text = headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


class _Issue(msgspec.Struct):
    code: str = ""


class _Error(msgspec.Struct):
    code: str = ""
    decline_code: str = ""


class _OperationOutcome(msgspec.Struct):
    """Or the error of a payment gateway, which stands under another name."""

    issue: tuple[_Issue, ...] = ()
    error: _Error | None = None


def _issue_codes(body: bytes) -> tuple[str, ...]:
    try:
        outcome = msgspec.json.decode(body, type=_OperationOutcome)
    except msgspec.DecodeError:
        return ()
    if outcome.error is not None:
        # Why a bank declined says more than that it did.
        told = (outcome.error.decline_code, outcome.error.code)
        return tuple(code for code in told if code in PAYMENT_CODES)
    return tuple(issue.code for issue in outcome.issue if issue.code in ISSUE_CODES)
