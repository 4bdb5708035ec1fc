"""The clearinghouse over HTTP: a 270 posted to /x12 is answered with a 271, a 276 with a 277."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.faults import Faults
from sandbox.fhir.access import VerifyToken
from sandbox.httpserver import Request, Response
from sandbox.ledger import Call, Kind
from sandbox.x12.desk import Desk, kind_of
from sandbox.x12.interchange import MalformedInterchangeError

SENDER_ID = "CHARTGRAPH"
RECEIVER_ID = "MEADOWMUTUAL"
EDI_X12 = "application/edi-x12"


class ClearinghouseServer:
    def __init__(self, desk: Desk, verify: VerifyToken, faults: Callable[[], Faults]) -> None:
        self._desk = desk
        self._verify = verify
        self._faults = faults

    def classify(self, request: Request) -> Call:
        kind = kind_of(request.body.decode("ascii", "replace"))
        return Call(Kind.X12 if request.path == "/x12" else Kind.OTHER, kind)

    async def respond(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self._verify(token) is None:
            challenge = (("www-authenticate", "Bearer"),)
            return Response(401, b"a valid access token is required", "text/plain", challenge)
        if (request.method, request.path) != ("POST", "/x12"):
            return Response(404, b"no such address", "text/plain")
        text = request.body.decode("ascii", "replace")
        try:
            _, answer = self._desk.answer(text, self._faults().outage)
        except MalformedInterchangeError as error:
            return Response(400, str(error).encode(), "text/plain")
        return Response(200, answer.encode("ascii", "replace"), EDI_X12)
