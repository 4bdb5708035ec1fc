"""Ask a token's issuer whether it is good, and whose it is. https://www.rfc-editor.org/rfc/rfc7662

SMART adds the launch context: https://hl7.org/fhir/smart-app-launch/STU2.2/token-introspection.html
Answers are remembered by whoever asks here. A made-up token does cost a call, so there are never
more than `MAX_CALLS` under way, for which others wait a while; several requests with one token
share a call; and an issuer that is silent is left alone for a moment, in which tokens are refused.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from gateway.authorization.binding import read_binding
from gateway.authorization.client_proof import ClientKey, read_proof
from gateway.authorization.issuer_http import (
    IssuerHttp,
    IssuerSilentError,
    IssuerUnavailableError,
)
from gateway.authorization.signed_tokens import (
    audiences,
    check_kind,
    check_subject,
    check_times,
    invalid,
)
from gateway.telemetry import Metrics, log
from gateway.trust import Introspection, Issuer

MAX_CALLS = 20
PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 1.0
INTROSPECTION = "introspection"
"""What was asked of the issuer, as the metrics call it."""

Claims = Mapping[str, Any]


class Introspector:
    def __init__(
        self,
        issuer: Issuer,
        given: Introspection,
        http: IssuerHttp,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises `SettingsError` where our own credentials cannot be read."""
        self._issuer = issuer
        self._given = given
        self._http = http
        self._proof = read_proof(given)
        self._failures = metrics.issuer_failures.labels(issuer.issuer, INTROSPECTION)
        self._clock = clock
        self._calls = asyncio.Semaphore(MAX_CALLS)
        self._under_way: dict[str, asyncio.Task[Claims]] = {}
        self._resume_at = 0.0
        self._addresses: dict[str, str] = {}

    async def ask(self, token: str) -> Claims:
        """What the issuer says of a token that it calls active; its signature is not looked at.

        Raises `IdentityError` if it is expired, revoked or none of the issuer's own, or
        `IssuerUnavailableError`.
        """
        call = self._under_way.get(token)
        if call is None:
            call = asyncio.create_task(self._ask(token))
            self._under_way[token] = call
            call.add_done_callback(lambda ended: self._end(token, ended))
        # Who goes away must not take the answer from the others.
        return await asyncio.shield(call)

    async def describe(self, token: str) -> Claims:
        """The claims of an opaque token, checked as those of a JWT are."""
        claims = {"iss": self._issuer.issuer, **await self.ask(token)}
        if claims["iss"] != self._issuer.issuer:
            raise invalid("its issuer")
        named = "aud" in claims or self._given.require_audience
        if named and self._issuer.audience.isdisjoint(audiences(claims.get("aud"))):
            raise invalid("its audience")
        check_kind(claims)
        check_subject(claims, self._issuer)
        check_times(claims, self._clock())
        read_binding(claims)
        return claims

    async def confirm(self, token: str, claims: Claims) -> None:
        """That a JWT which we verified ourselves has not been revoked."""
        answer = await self.ask(token)
        for name in ("iss", "sub", "jti"):
            if name in answer and answer[name] != claims.get(name):
                raise invalid("what its issuer says of it")
        if "cnf" in answer and read_binding(answer) != read_binding(claims):
            raise invalid("what its issuer says of it")

    def _end(self, token: str, call: asyncio.Task[Claims]) -> None:
        del self._under_way[token]
        if not call.cancelled():
            # Seen, even where everybody who waited for it has gone.
            call.exception()

    async def _ask(self, token: str) -> Claims:
        if self._clock() < self._resume_at:
            raise IssuerUnavailableError("was silent a moment ago")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._calls.acquire()
        except TimeoutError:
            raise IssuerUnavailableError("too many questions are under way") from None
        try:
            answer = await self._post(token)
        except IssuerUnavailableError as error:
            if isinstance(error, IssuerSilentError):
                # Not for an answer that was bad: a token may have been made to provoke it.
                self._resume_at = self._clock() + PAUSE_SECONDS
            self._failures.inc()
            log.warning("introspection_failed", issuer=self._issuer.issuer, reason=str(error))
            raise
        finally:
            self._calls.release()
        if answer.get("active") is not True:
            raise invalid("its issuer's word")
        return answer

    async def _post(self, token: str) -> Claims:
        url = self._given.url or await self._address("introspection_endpoint")
        form = {"token": token, "token_type_hint": "access_token"}
        if not isinstance(self._proof, ClientKey):
            return await self._http.post(url, form, self._proof.headers)
        audience = self._given.assertion_audience or await self._address("token_endpoint")
        proof = self._proof.form(audience, self._clock())
        return await self._http.post(url, {**form, **proof}, {})

    async def _address(self, member: str) -> str:
        if member not in self._addresses:
            self._addresses[member] = await self._http.discover(member)
        return self._addresses[member]
