"""What the issuer signs: access tokens of RFC 9068 (`at+jwt`, ES256) and ID tokens (RS256).

SMART asks for RS256 of ID tokens, so its keys are of two kinds, as most issuers' are.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from sandbox.fhir.access import Grant
from sandbox.issuer.misdeeds import Misdeed, sign_badly, spoil_claims
from sandbox.issuer.sessions import Session, Sessions
from sandbox.personas import Persona

GATEWAY_AUDIENCE = "chartgraph"
UPSTREAM_AUDIENCE = "sandbox-upstreams"
PERSON_LIFETIME = 3600
# https://hl7.org/fhir/smart-app-launch/backend-services.html: at most five minutes
SYSTEM_LIFETIME = 300
_MAX_VERIFIED = 4096


class TokenMint:
    def __init__(self, issuer: str, key: ECKey, id_key: RSAKey, sessions: Sessions) -> None:
        self.issuer = issuer
        self.sessions = sessions
        self.misdeed = Misdeed.NONE
        self.opaque = False
        """Whether access tokens of people are handles that say nothing by themselves."""
        self._key = key
        self._id_key = id_key
        self._retired: list[ECKey] = []
        self._registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer}, exp={"essential": True}
        )
        self._verified: dict[str, tuple[Grant, dict[str, Any]]] = {}
        self._handles: dict[str, dict[str, Any]] = {}

    @property
    def jwks(self) -> dict[str, Any]:
        if self.misdeed is Misdeed.NO_KEYS:
            return {"keys": []}
        private = self.misdeed is Misdeed.PRIVATE_KEYS
        keys: tuple[ECKey | RSAKey, ...] = (self._key, *self._retired, self._id_key)
        return {"keys": [key.as_dict(private=private) for key in keys]}

    def rotate(self, *, withdraw: bool) -> None:
        """Sign with a new key from now on; the old one is withdrawn, or published beside it."""
        self._retired = [] if withdraw else [self._key, *self._retired]
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)

    def for_persona(
        self, persona: Persona, lifetime: int = PERSON_LIFETIME, certificate: str | None = None
    ) -> str:
        """A token for the gateway, with all the persona has, by the client they would use.

        `lifetime` is in seconds; one that is over already makes an expired token. `certificate` is
        the thumbprint of the one it is bound to.
        """
        session = Session(persona, persona.client_id, persona.patient)
        scope = " ".join(persona.scopes)
        return self.for_person(session, scope, lifetime, certificate)

    def for_person(
        self,
        session: Session,
        scope: str,
        lifetime: int = PERSON_LIFETIME,
        certificate: str | None = None,
    ) -> str:
        """A token for the gateway; `scope` is what was granted."""
        persona = session.persona
        claims: dict[str, Any] = {
            "aud": GATEWAY_AUDIENCE,
            "sub": persona.subject,
            "client_id": session.client_id,
            "scope": scope,
            "roles": list(persona.roles),
            "purpose": persona.purpose,
            "sid": session.id,
            **session.context,
        }
        if persona.fhir_user:
            claims["fhirUser"] = persona.fhir_user
        if persona.organization:
            claims["organization"] = persona.organization
        if certificate is not None:
            claims["cnf"] = {"x5t#S256": certificate}
        stamped = spoil_claims(self._stamp(claims, lifetime), self.misdeed)
        if not self.opaque:
            return self._sign(stamped)
        handle = secrets.token_urlsafe(32)
        self._handles[handle] = stamped
        return handle

    def for_client(self, client_id: str, scope: str) -> str:
        """A token for the upstreams."""
        claims = {"aud": UPSTREAM_AUDIENCE, "sub": client_id, "client_id": client_id}
        return self._sign(self._stamp({**claims, "scope": scope}, SYSTEM_LIFETIME), Misdeed.NONE)

    def id_token(self, session: Session) -> str:
        persona = session.persona
        optional = {"fhirUser": persona.fhir_user, "nonce": session.nonce}
        given = {name: value for name, value in optional.items() if value}
        claims = {"aud": session.client_id, "sub": persona.subject, **given}
        header = {"alg": "RS256", "typ": "JWT", "kid": self._id_key.kid}
        return jwt.encode(header, self._stamp(claims, PERSON_LIFETIME), self._id_key)

    def read(self, token: str) -> dict[str, Any] | None:
        """The claims of an access token of ours that is good now, whatever its audience."""
        claims = self._handles.get(token) or self._decode(token)
        if claims is None or claims["exp"] <= time.time() or self.sessions.is_revoked(claims):
            return None
        return claims

    def verify_upstream(self, token: str) -> Grant | None:
        """What the upstreams ask; remembered, as checking a signature costs more than a search."""
        known = self._verified.get(token)
        if known is None:
            claims = self.read(token)
            if claims is None or claims.get("aud") != UPSTREAM_AUDIENCE:
                return None
            known = Grant(claims["client_id"], tuple(claims["scope"].split())), claims
            if len(self._verified) >= _MAX_VERIFIED:
                self._verified.clear()
            self._verified[token] = known
        grant, claims = known
        good = claims["exp"] > time.time() and not self.sessions.is_revoked(claims)
        return grant if good else None

    def _decode(self, token: str) -> dict[str, Any] | None:
        for key in (self._key, *self._retired):
            try:
                verified = jwt.decode(token, key, algorithms=["ES256"])
                self._registry.validate(verified.claims)
            except (JoseError, ValueError):
                continue
            return verified.claims if verified.header.get("typ") == "at+jwt" else None
        return None

    def _stamp(self, claims: dict[str, Any], lifetime: int) -> dict[str, Any]:
        now = int(time.time())
        stamp = {"iss": self.issuer, "iat": now, "exp": now + lifetime}
        return {**claims, **stamp, "jti": secrets.token_hex(12)}

    def _sign(self, claims: dict[str, Any], misdeed: Misdeed | None = None) -> str:
        header = {"alg": "ES256", "typ": "at+jwt", "kid": self._key.kid}
        bad = sign_badly(header, claims, self._key, self.misdeed if misdeed is None else misdeed)
        return bad or jwt.encode(header, claims, self._key)
