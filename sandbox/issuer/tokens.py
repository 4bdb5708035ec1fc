"""Access tokens: JWTs of RFC 9068 (`at+jwt`, ES256), for people and for the upstreams' client."""

from __future__ import annotations

import secrets
import time
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from sandbox.fhir.access import Grant
from sandbox.personas import Persona

GATEWAY_AUDIENCE = "chartgraph"
UPSTREAM_AUDIENCE = "sandbox-upstreams"
PERSON_LIFETIME = 3600
# https://hl7.org/fhir/smart-app-launch/backend-services.html: at most five minutes
SYSTEM_LIFETIME = 300
_MAX_VERIFIED = 4096


class TokenMint:
    def __init__(self, issuer: str, key: ECKey) -> None:
        self.issuer = issuer
        self._key = key
        self._registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer}, exp={"essential": True}
        )
        self._verified: dict[str, tuple[Grant, float]] = {}

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self._key.as_dict(private=False)]}

    def for_persona(self, persona: Persona, lifetime: int = PERSON_LIFETIME) -> str:
        """A token for the gateway, with all the persona has, by the client they would use.

        `lifetime` is in seconds; one that is over already makes an expired token.
        """
        return self.for_person(persona, " ".join(persona.scopes), persona.client_id, lifetime)

    def for_person(
        self, persona: Persona, scope: str, client_id: str, lifetime: int = PERSON_LIFETIME
    ) -> str:
        """A token for the gateway; `scope` is what was granted to the client of this id."""
        optional = {"patient": persona.patient, "fhirUser": persona.fhir_user}
        return self._sign(
            {
                "aud": GATEWAY_AUDIENCE,
                "sub": persona.subject,
                "client_id": client_id,
                "scope": scope,
                "roles": list(persona.roles),
                "purpose": persona.purpose,
                **{name: value for name, value in optional.items() if value},
            },
            lifetime,
        )

    def for_client(self, client_id: str, scope: str) -> str:
        """A token for the upstreams."""
        claims = {"aud": UPSTREAM_AUDIENCE, "sub": client_id, "client_id": client_id}
        return self._sign({**claims, "scope": scope}, SYSTEM_LIFETIME)

    def id_token(self, persona: Persona, client_id: str) -> str:
        optional = {"fhirUser": persona.fhir_user} if persona.fhir_user else {}
        claims = {"aud": client_id, "sub": persona.subject, **optional}
        return self._sign(claims, PERSON_LIFETIME, "JWT")

    def read(self, token: str) -> dict[str, Any] | None:
        """The claims of a token of ours that has not expired, whatever its audience."""
        try:
            claims = jwt.decode(token, self._key, algorithms=["ES256"]).claims
            self._registry.validate(claims)
        except (JoseError, ValueError):
            return None
        return claims

    def verify_upstream(self, token: str) -> Grant | None:
        """What the upstreams ask; remembered, as checking a signature costs more than a search."""
        known = self._verified.get(token)
        if known is not None and known[1] > time.time():
            return known[0]
        claims = self.read(token)
        if claims is None or claims.get("aud") != UPSTREAM_AUDIENCE:
            return None
        grant = Grant(claims["client_id"], tuple(claims["scope"].split()))
        if len(self._verified) >= _MAX_VERIFIED:
            self._verified.clear()
        self._verified[token] = (grant, claims["exp"])
        return grant

    def _sign(self, claims: dict[str, Any], lifetime: int, type_: str = "at+jwt") -> str:
        now = int(time.time())
        header = {"alg": "ES256", "typ": type_, "kid": self._key.kid}
        stamp = {
            "iss": self.issuer,
            "iat": now,
            "exp": now + lifetime,
            "jti": secrets.token_hex(12),
        }
        return jwt.encode(header, {**claims, **stamp}, self._key)
