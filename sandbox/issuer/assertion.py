"""Clients that prove themselves by a signature, for at most five minutes and once.

Stock authlib refuses SMART's two algorithms.
https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sandbox.issuer.clients import Client

MAX_ASSERTION_LIFETIME = 300
ASSERTION_ALGORITHMS = ("RS384", "ES384")


class ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc]  # authlib has no types
    def __init__(self, token_url: str, now: Callable[[], float] = time.time) -> None:
        super().__init__(leeway=5)
        self._token_url = token_url
        self._now = now
        self._seen: dict[tuple[str, str], float] = {}

    def get_audiences(self) -> list[str]:
        return [self._token_url]

    def resolve_client_public_key(self, client: Client) -> KeySet:
        if client.jwks is None:
            raise InvalidClientError(description="The client has no keys.")
        return KeySet.import_key_set({"keys": list(client.jwks["keys"])})

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
        # The base class names no algorithms, and joserfc's default leaves out both of SMART's.
        try:
            claims = jwt.decode(
                assertion, resolve_key, algorithms=list(ASSERTION_ALGORITHMS)
            ).claims
        except (JoseError, ValueError):
            raise InvalidClientError(description="The assertion is not valid.") from None
        self.verify_claims(claims)
        return claims

    def validate_jti(self, claims: Mapping[str, Any], jti: str) -> bool:
        now = self._now()
        if claims["exp"] > now + MAX_ASSERTION_LIFETIME + self.leeway:
            raise InvalidClientError(description="The assertion lives too long.")
        self._seen = {key: expiry for key, expiry in self._seen.items() if expiry > now}
        key = (claims["iss"], str(jti))
        fresh = key not in self._seen
        self._seen[key] = claims["exp"] + self.leeway
        return fresh
