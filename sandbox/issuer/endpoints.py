"""Asking about a token, and taking one back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError, OAuth2Request, TokenMixin
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from sandbox.issuer.clients import SERVICE_CLIENT, Client
from sandbox.issuer.misdeeds import Misdeed
from sandbox.issuer.sessions import RefreshToken

_BEARER = "Bearer "


@dataclass(frozen=True, slots=True)
class IssuedToken(TokenMixin):  # type: ignore[misc]  # authlib has no types
    """A token that is good now."""

    claims: Mapping[str, Any]

    def check_client(self, client: Client) -> bool:
        return bool(self.claims["client_id"] == client.client_id)

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
    """https://www.rfc-editor.org/rfc/rfc7662, with SMART's launch context.

    A client may also prove itself by a token of its own, as SMART asks:
    https://hl7.org/fhir/smart-app-launch/token-introspection.html
    """

    CLIENT_AUTH_METHODS = ("client_assertion_jwt",)

    def authenticate_endpoint_client(self, request: OAuth2Request) -> Any:
        authorization = request.headers.get("authorization", "")
        if not authorization.startswith(_BEARER):
            return super().authenticate_endpoint_client(request)
        claims = self.server.mint.read(authorization.removeprefix(_BEARER))
        if claims is None or claims["sub"] != SERVICE_CLIENT:
            raise InvalidClientError(description="The token opens nothing here.")
        return self.server.query_client(SERVICE_CLIENT)

    def query_token(self, token: str, hint: str | None) -> IssuedToken | None:  # noqa: ARG002 - a hint
        claims = self.server.mint.read(token)
        return None if claims is None else IssuedToken(claims)

    def check_permission(self, token: Any, client: Client, request: Any) -> bool:  # noqa: ARG002 - authlib's
        return bool(client.client_id == SERVICE_CLIENT)

    def introspect_token(self, token: IssuedToken) -> dict[str, Any]:
        return {"active": True, "token_type": "Bearer", **token.claims}

    def create_introspection_payload(self, token: IssuedToken | None) -> dict[str, Any]:
        payload: dict[str, Any] = super().create_introspection_payload(token)
        lies = self.server.mint.misdeed is Misdeed.EVERYTHING_ACTIVE
        return {**payload, "active": True} if lies else payload


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """https://www.rfc-editor.org/rfc/rfc7009"""

    CLIENT_AUTH_METHODS = ("client_assertion_jwt", "none")

    def query_token(self, token: str, hint: str | None) -> Any:  # noqa: ARG002 - a hint
        claims = self.server.mint.read(token)
        return self.server.sessions.known_refresh(token) if claims is None else IssuedToken(claims)

    def revoke_token(self, token: Any, request: OAuth2Request) -> None:  # noqa: ARG002 - authlib's
        if isinstance(token, RefreshToken):
            self.server.sessions.end(token.session.id)
        else:
            self.server.sessions.revoke(token.claims["jti"])
