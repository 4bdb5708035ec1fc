"""The fault panel: a page to break things by hand, and the same over JSON for tests.

It is no upstream: nothing here is counted, delayed or broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal

import msgspec

from sandbox.faults import Faults, Misrun, Outage
from sandbox.httpserver import Request, Response
from sandbox.issuer.misdeeds import Misdeed
from sandbox.issuer.tokens import TokenMint
from sandbox.ledger import Call, Kind
from sandbox.pas.operations import PasOperations
from sandbox.payments.server import PaymentServer
from sandbox.telehealth.vendors import REST, VideoVendors
from sandbox.telehealth.webhooks import Pushed
from sandbox.upstream import Upstream
from sandbox.wire import json_response

_CSP = (
    "content-security-policy",
    (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
)
_PAGES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "panel.css": ("panel.css", "text/css; charset=utf-8"),
    "panel.js": ("panel.js", "text/javascript; charset=utf-8"),
}


class IssuerChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    misdeed: Misdeed | None = None
    opaque: bool | None = None
    """Access tokens are handles that say nothing by themselves."""
    keys: Literal["rotate", "withdraw"] | None = None
    """A new key signs; the old one is published beside it, or no more."""


class Push(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change that a vendor tells of, and how it is told."""

    event: str
    """`started` or `ended` of a meeting; a room's events have the vendor's names."""
    pushed: Pushed = "once"


class ControlPanel:
    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        vendors: VideoVendors,
        mint: TokenMint,
        authorizations: PasOperations,
        payments: PaymentServer,
    ) -> None:
        self._payments = payments
        self._upstreams = upstreams
        self._vendors = vendors
        self._mint = mint
        self._authorizations = authorizations

    def classify(self, request: Request) -> Call:  # noqa: ARG002 - nothing here is counted apart
        return Call(Kind.OTHER, "control")

    async def respond(self, request: Request) -> Response:  # noqa: C901, PLR0911, PLR0912 - one case per address
        if "origin" in request.headers and not _same_origin(request):
            # A page from elsewhere, in the same browser, has no business here.
            return json_response(403, {"error": "cross-origin"})
        match request.method, request.path.strip("/").split("/"):
            case "GET", [page] if page in _PAGES:
                name, content_type = _PAGES[page]
                body = files("sandbox").joinpath("panel", name).read_bytes()
                return Response(200, body, content_type, (_CSP,))
            case "GET", ["calls"]:
                return json_response(200, {"upstreams": self._calls()})
            case "POST", ["calls", "reset"]:
                for upstream in self._upstreams.values():
                    upstream.ledger.reset()
                return json_response(200, {"upstreams": self._calls()})
            case "GET", ["faults"]:
                return json_response(200, self._faults())
            case "POST", ["faults"]:
                return await self._set_faults(request)
            case "POST", ["faults", "reset"]:
                for upstream in self._upstreams.values():
                    await upstream.set_faults(Faults())
                self._mint.misdeed, self._mint.opaque = Misdeed.NONE, False
                return json_response(200, self._faults())
            case "GET", ["issuer"]:
                return json_response(200, self._issuer())
            case "POST", ["issuer"]:
                return self._mislead(request)
            case "POST", ["visits", id_, "status"]:
                return await self._change_visit(id_, request)
            case "POST", ["meetings", "validate"]:
                return await self._vendors.zoom.validate()
            case "POST", [("meetings" | "rooms") as kind, id_, "push"]:
                return await self._push(kind, id_, request)
            case "GET", ["authorizations"]:
                return json_response(200, {"pended": self._authorizations.pended()})
            case "POST", ["authorizations", id_, "decide"]:
                return self._decide(id_, request)
            case "POST", ["payments", "settle"]:
                await self._payments.settle()
                return json_response(200, {})
            case "POST", ["payments", "repeat"]:
                delivered = await self._payments.webhooks.repeat_backwards()
                return json_response(200, {"delivered": delivered})
            case "POST", ["webhook"]:
                return self._set_webhook(request)
        return json_response(404, {"error": "not_found"})

    def _calls(self) -> dict[str, Any]:
        return {name: upstream.ledger.report() for name, upstream in self._upstreams.items()}

    def _faults(self) -> dict[str, Any]:
        return {
            "upstreams": {name: upstream.faults for name, upstream in self._upstreams.items()},
            "outages": list(Outage),
            "misruns": list(Misrun),
        }

    async def _set_faults(self, request: Request) -> Response:
        change = _read_object(request)
        upstream = self._upstreams.get(str(change.pop("upstream", "")))
        if upstream is None:
            return json_response(404, {"error": "no such upstream"})
        current = msgspec.to_builtins(upstream.faults)
        try:
            faults = msgspec.convert({**current, **change}, Faults)
        except msgspec.ValidationError as error:
            return json_response(422, {"error": str(error)})
        await upstream.set_faults(faults)
        return json_response(200, upstream.faults)

    def _issuer(self) -> dict[str, Any]:
        mint = self._mint
        return {"misdeed": mint.misdeed, "opaque": mint.opaque, "misdeeds": list(Misdeed)}

    def _mislead(self, request: Request) -> Response:
        try:
            change = msgspec.convert(_read_object(request), IssuerChange)
        except msgspec.ValidationError as error:
            return json_response(422, {"error": str(error)})
        if change.misdeed is not None:
            self._mint.misdeed = change.misdeed
        if change.opaque is not None:
            self._mint.opaque = change.opaque
        if change.keys is not None:
            self._mint.rotate(withdraw=change.keys == "withdraw")
        return json_response(200, self._issuer())

    async def _change_visit(self, id_: str, request: Request) -> Response:
        status = _read_object(request).get("status")
        try:
            change = await self._vendors.rest.change_status(id_, str(status))
        except ValueError as error:
            return json_response(422, {"error": str(error)})
        if change is None:
            return json_response(404, {"error": "no such visit"})
        return json_response(200, {"visit": change.visit, "delivered": change.delivered})

    async def _push(self, kind: str, id_: str, request: Request) -> Response:
        try:
            asked = msgspec.convert(_read_object(request), Push)
            change = self._vendors.zoom.change_status
            tell = change if kind == "meetings" else self._vendors.twilio.tell
            delivered = await tell(id_, asked.event, asked.pushed)
        except (KeyError, ValueError):
            return json_response(404, {"error": "no such visit, or no such event"})
        return json_response(200, {"delivered": delivered})

    def _decide(self, id_: str, request: Request) -> Response:
        try:
            found = self._authorizations.decide(id_, str(_read_object(request).get("action")))
        except ValueError as error:
            return json_response(422, {"error": str(error)})
        if not found:
            return json_response(404, {"error": "nothing waits for a decision there"})
        return json_response(200, {"pended": self._authorizations.pended()})

    def _set_webhook(self, request: Request) -> Response:
        asked = _read_object(request)
        url, vendor = asked.get("url"), asked.get("vendor", REST)
        if url is not None and not str(url).startswith(("http://127.0.0.1:", "http://localhost:")):
            return json_response(422, {"error": "a webhook goes to this machine alone"})
        self._vendors.webhooks[vendor].url = url
        return json_response(200, {"url": url})


def _read_object(request: Request) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(request.body)
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _same_origin(request: Request) -> bool:
    return request.headers["origin"] == f"http://{request.headers.get('host', '')}"
