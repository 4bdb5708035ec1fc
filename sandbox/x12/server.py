"""Eligibility over HTTP: a 270 interchange posted to /x12 is answered with a 271 interchange."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sandbox.data.payer import Member
from sandbox.fhir.access import VerifyToken
from sandbox.httpserver import Request, Response
from sandbox.ledger import Call, Kind
from sandbox.x12.answer import answer_interchange
from sandbox.x12.interchange import (
    MalformedInterchangeError,
    format_interchange,
    parse_interchange,
)

SENDER_ID = "CHARTGRAPH"
RECEIVER_ID = "MEADOWMUTUAL"
EDI_X12 = "application/edi-x12"


class EligibilityServer:
    def __init__(self, members: Iterable[Member], verify: VerifyToken) -> None:
        self._members = {member.member_id: member for member in members}
        self._verify = verify

    def classify(self, request: Request) -> Call:
        return Call(Kind.X12 if request.path == "/x12" else Kind.OTHER, "270")

    async def respond(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self._verify(token) is None:
            challenge = (("www-authenticate", "Bearer"),)
            return Response(401, b"a valid access token is required", "text/plain", challenge)
        if (request.method, request.path) != ("POST", "/x12"):
            return Response(404, b"no such address", "text/plain")
        try:
            answer = self._answer(request.body.decode("ascii", "replace"))
        except MalformedInterchangeError as error:
            return Response(400, str(error).encode(), "text/plain")
        return Response(200, answer.encode("ascii", "replace"), EDI_X12)

    def _answer(self, text: str) -> str:
        asked = parse_interchange(text)
        return format_interchange(answer_interchange(asked, self._members, datetime.now(UTC)))
