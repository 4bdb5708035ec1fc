"""CORE real-time transactions over SOAP 1.2: a 270 or 276 in an envelope is answered in one.

Whoever asks shows a WS-Security UsernameToken. The fault panel makes it misbehave as such portals
do: `soap-fault` answers with a SOAP fault, `doctype` with entities that expand, `core-error` with
an error code in the envelope.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.faults import Faults, Outage
from sandbox.httpserver import Request, Response
from sandbox.ledger import Call, Kind
from sandbox.x12.desk import STATUS, Desk, kind_of
from sandbox.x12.interchange import MalformedInterchangeError
from sandbox.x12.server import RECEIVER_ID, SENDER_ID

USERNAME = "chartgraph"
SOAP_XML = "application/soap+xml; charset=utf-8"
_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_CORE = "http://www.caqh.org/SOAP/WSDL/CORERule2.2.0.xsd"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_ASKED = {"X12_270_Request_005010X279A1": "270", "X12_276_Request_005010X212": STATUS}
_ANSWERED = {"270": "X12_271_Response_005010X279A1", STATUS: "X12_277_Response_005010X212"}


class CoreServer:
    def __init__(self, desk: Desk, password: str, faults: Callable[[], Faults]) -> None:
        self._desk = desk
        self._password = password
        self._faults = faults

    def classify(self, request: Request) -> Call:
        kind = kind_of(request.body.decode("utf-8", "replace"))
        return Call(Kind.X12 if request.path == "/core" else Kind.OTHER, f"{kind} in SOAP")

    async def respond(self, request: Request) -> Response:
        if (request.method, request.path) != ("POST", "/core"):
            return Response(404, b"no such address", "text/plain")
        misdeed = _MISDEEDS.get(self._faults().outage)
        if misdeed is not None:
            return misdeed()
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            root = etree.fromstring(request.body, parser)
        except etree.XMLSyntaxError:
            return _fault("Sender", None, 400)
        if not self._knows(root):
            return _fault("Sender", "FailedAuthentication", 500)
        return self._respond(root)

    def _knows(self, root: Any) -> bool:
        name = root.findtext(f".//{{{_WSSE}}}Username") or ""
        password = root.findtext(f".//{{{_WSSE}}}Password") or ""
        return name == USERNAME and secrets.compare_digest(password, self._password)

    def _respond(self, root: Any) -> Response:
        envelope = root.find(f".//{{{_CORE}}}COREEnvelopeRealTimeRequest")
        if envelope is None:
            return _fault("Sender", None, 400)
        told = {child.tag: child.text or "" for child in envelope}
        for name, wanted in (("SenderID", SENDER_ID), ("ReceiverID", RECEIVER_ID)):
            if told.get(name) != wanted:
                return _answer("CoreEnvelopeError", "", f"{name}Illegal")
        if told.get("PayloadType") not in _ASKED:
            return _answer("CoreEnvelopeError", "", "PayloadTypeIllegal")
        text = told.get("Payload", "").strip()
        try:
            kind, answer = self._desk.answer(text, self._faults().outage)
        except MalformedInterchangeError:
            return _answer("CoreEnvelopeError", "", "PayloadIllegal")
        if _ASKED[told["PayloadType"]] != kind:
            return _answer("CoreEnvelopeError", "", "PayloadTypeIllegal")
        return _answer(_ANSWERED[kind], answer, "Success")


def _answer(payload_type: str, payload: str, code: str) -> Response:
    fields = {
        "PayloadType": payload_type,
        "ProcessingMode": "RealTime",
        "PayloadID": str(uuid4()),
        "TimeStamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "SenderID": RECEIVER_ID,
        "ReceiverID": SENDER_ID,
        "CORERuleVersion": "2.2.0",
        "Payload": payload,
        "ErrorCode": code,
        "ErrorMessage": "" if code == "Success" else "See the error code.",
    }
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    tag = "core:COREEnvelopeRealTimeResponse"
    return Response(200, _message(f'<{tag} xmlns:core="{_CORE}">{inner}</{tag}>'), SOAP_XML)


def _fault(code: str, subcode: str | None, status: int) -> Response:
    sub = ""
    if subcode:
        value = f'<s:Value xmlns:wsse="{_WSSE}">wsse:{subcode}</s:Value>'
        sub = f"<s:Subcode>{value}</s:Subcode>"
    reason = '<s:Reason><s:Text xml:lang="en">No.</s:Text></s:Reason>'
    fault = f"<s:Fault><s:Code><s:Value>s:{code}</s:Value>{sub}</s:Code>{reason}</s:Fault>"
    return Response(status, _message(fault), SOAP_XML)


def _message(body: str) -> bytes:
    envelope = f'<s:Envelope xmlns:s="{_SOAP}"><s:Body>{body}</s:Body></s:Envelope>'
    return b'<?xml version="1.0" encoding="utf-8"?>' + envelope.encode("utf-8")


_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>&c;&x;</s:Body>'
    b"</s:Envelope>"
)
_MISDEEDS: Mapping[Outage, Callable[[], Response]] = {
    Outage.SOAP_FAULT: lambda: _fault("Receiver", None, 500),
    Outage.DOCTYPE: lambda: Response(200, _LAUGHS, SOAP_XML),
    Outage.CORE_ERROR: lambda: _answer("CoreEnvelopeError", "", "PayloadTypeIllegal"),
}
