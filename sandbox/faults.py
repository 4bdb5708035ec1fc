"""What can be made to go wrong with an upstream, and how each wrong answer looks on the wire."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import msgspec

from sandbox.httpserver import Delivery, Request, Respond, Response
from sandbox.wire import decode, encode

FOREIGN_HOST = "http://elsewhere.invalid"


class Outage(StrEnum):
    NONE = "none"
    REFUSE = "refuse"  # nobody listens: connection refused
    UNAVAILABLE = "503"
    HANG = "hang"  # accepted, never answered
    HTML = "html"  # status 200 and a web page, as from a portal or proxy in between
    HALF = "half"  # the connection closes in the middle of the body
    TRUNCATED = "truncated"  # a complete HTTP message whose JSON is cut in the middle
    FOREIGN_NEXT = "foreign-next"  # searchsets whose next link leads to another host
    SOAP_FAULT = "soap-fault"  # of the portal that speaks SOAP, as the two below
    DOCTYPE = "doctype"  # XML with entities that expand, and one that names a file
    CORE_ERROR = "core-error"  # an error code in the envelope
    X12_DOWN = "x12-down"  # the clearinghouse answers that the payer behind it cannot
    X12_999 = "x12-999"  # it acknowledges the inquiry in place of answering it
    X12_ANOTHER = "x12-another"  # its answers are about somebody else
    RESET = "reset"  # TCP RST instead of an answer


class Dies(StrEnum):
    """When the connection is lost at a write: whoever asked cannot tell which it was."""

    NEVER = "never"
    BEFORE = "before"  # nothing was done
    AFTER = "after"  # it was done


class Misrun(StrEnum):
    """How an export can go wrong."""

    NONE = "none"
    STUCK = "stuck"  # it is never ready
    FAILS = "fails"  # its status is 500
    GONE = "gone"  # its files have expired: 410
    PARTIAL = "partial"  # half of its types are missing, an error file says so
    CUT = "cut"  # its files end within a line
    GARBLED = "garbled"  # a web page in the middle of its files
    FOREIGN = "foreign"  # its files lie on another host


class RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `limit` requests in any `retry_after` seconds; the rest are answered 429."""

    limit: Annotated[int, msgspec.Meta(ge=0)]
    retry_after: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 1.0


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    latency_ms: Annotated[float, msgspec.Meta(ge=0, le=600_000)] = 0.0
    outage: Outage = Outage.NONE
    rate_limit: RateLimit | None = None
    multiple_or: bool = True  # off: a comma list is refused, and metadata says so
    batch: bool = True  # off: POST [base] is refused, and metadata does not offer it
    transaction: bool = True  # off: likewise for a Bundle that is done whole or not at all
    dies: Dies = Dies.NEVER
    export: Misrun = Misrun.NONE


class FaultSwitch:
    """The faults now in force for one upstream; stands between its listener and its answers."""

    def __init__(self, respond: Respond, is_write: Callable[[Request], bool]) -> None:
        self._respond = respond
        self._is_write = is_write
        self._recent: deque[float] = deque()
        self.faults = Faults()

    def set(self, faults: Faults) -> None:
        self.faults = faults
        self._recent.clear()

    async def __call__(self, request: Request) -> Response:
        faults = self.faults
        if faults.latency_ms:
            await asyncio.sleep(faults.latency_ms / 1000)
        if faults.rate_limit is not None and not self._admits(faults.rate_limit):
            return _rate_limited(faults.rate_limit)
        match faults.outage:
            case Outage.HANG:
                await asyncio.Event().wait()
            case Outage.RESET:
                return _LOST
            case Outage.UNAVAILABLE:
                return Response(503, b"upstream is down for maintenance", "text/plain")
            case Outage.HTML:
                return Response(200, _PORTAL, "text/html; charset=utf-8")
        if faults.dies is not Dies.NEVER and self._is_write(request):
            return await self._die(request, faults.dies)
        return _spoil(await self._respond(request), faults.outage)

    async def _die(self, request: Request, dies: Dies) -> Response:
        if dies is Dies.AFTER:
            await self._respond(request)
        return _LOST

    def _admits(self, rate: RateLimit) -> bool:
        now = time.monotonic()
        while self._recent and now - self._recent[0] >= rate.retry_after:
            self._recent.popleft()
        if len(self._recent) >= rate.limit:
            return False
        self._recent.append(now)
        return True


_LOST = Response(503, delivery=Delivery.RESET)
_PORTAL = b"<!doctype html><title>Sign in</title><h1>Your session has ended</h1>"


def _rate_limited(rate: RateLimit) -> Response:
    # Whole seconds, rounded up: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    seconds = str(int(-(-rate.retry_after // 1)))
    return Response(429, b"too many requests", "text/plain", (("retry-after", seconds),))


def _spoil(response: Response, outage: Outage) -> Response:
    match outage:
        case Outage.HALF:
            return replace(response, delivery=Delivery.CUT)
        case Outage.TRUNCATED:
            return replace(response, body=response.body[: len(response.body) // 2])
        case Outage.FOREIGN_NEXT:
            return _with_foreign_next(response)
    return response


def _with_foreign_next(response: Response) -> Response:
    try:
        bundle = decode(response.body)
    except msgspec.DecodeError:
        return response
    if not isinstance(bundle, dict) or bundle.get("type") != "searchset":
        return response
    links = [link for link in bundle.get("link", []) if link["relation"] != "next"]
    links.append({"relation": "next", "url": f"{FOREIGN_HOST}/fhir/_page/stolen"})
    return replace(response, body=encode({**bundle, "link": links}))
