"""The OAuth rules, on authlib's framework-free core, tightened to what SMART asks.

Stock authlib allows `plain` PKCE and none at all; the subclasses here turn that around.
https://hl7.org/fhir/smart-app-launch/
"""

from __future__ import annotations

import re
from typing import Any

from authlib.oauth2.rfc6749 import (
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
    grants,
)
from authlib.oauth2.rfc7636 import CodeChallenge

from sandbox.issuer.clients import Client
from sandbox.issuer.negotiation import grant_scopes
from sandbox.issuer.sessions import Code, Launch, RefreshToken, Session
from sandbox.issuer.tokens import GATEWAY_AUDIENCE
from sandbox.personas import Persona

_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def validate_authorization_request(self) -> str:
        redirect_uri: str = super().validate_authorization_request()
        data = self.request.payload.data
        if data.get("aud", GATEWAY_AUDIENCE) != GATEWAY_AUDIENCE:
            raise InvalidRequestError("'aud' names another server", redirect_uri=redirect_uri)
        launch = data.get("launch")
        if launch and launch not in self.server.sessions.launches:
            raise InvalidRequestError("'launch' names no launch of ours", redirect_uri=redirect_uri)
        return redirect_uri

    def create_authorization_response(self, redirect_uri: str, grant_user: Persona) -> Any:
        """The scope granted is what was asked for, as far as the persona has it."""
        data = self.request.payload.data
        launch = self.server.sessions.take_launch(data["launch"]) if data.get("launch") else None
        session = _session(grant_user, self.request, launch)
        asked = self.request.scope.split()
        granted = grant_scopes(
            asked, grant_user.scopes, session.context, launched=launch is not None
        )
        if not granted:
            raise InvalidScopeError(redirect_uri=redirect_uri)
        self.request.scope = " ".join(granted)
        return super().create_authorization_response(redirect_uri, session)

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        self.server.sessions.codes[code] = Code(
            code=code,
            client_id=request.client.client_id,
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            session=request.user,
            code_challenge=request.payload.data["code_challenge"],
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found: Code | None = self.server.sessions.take_code(code, client.client_id)
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Already gone."""

    def authenticate_user(self, authorization_code: Code) -> Session:
        return authorization_code.session


class S256Only(CodeChallenge):  # type: ignore[misc]
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with S256 is required")
        super().validate_code_challenge(grant, redirect_uri)


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    """Each refresh token serves once, and brings the next."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        found: RefreshToken | None = self.server.sessions.refresh(refresh_token)
        return found

    def authenticate_user(self, refresh_token: RefreshToken) -> Session:
        return refresh_token.session

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:  # noqa: ARG002 - authlib's
        self.server.sessions.spend(self.request.form["refresh_token"])


class SystemGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_assertion_jwt",)

    def validate_requested_scope(self) -> None:
        if self.client.get_allowed_scope(self.request.payload.scope) is None:
            raise InvalidScopeError


def _session(persona: Persona, request: OAuth2Request, launch: Launch | None) -> Session:
    """What the app learns to be in context: the EHR's, or the person's own choice.

    A patient has but one record, whatever is open elsewhere.
    """
    data = request.payload.data
    chosen = data.get("patient") or (launch.patient if launch else None)
    return Session(
        persona,
        request.client.client_id,
        persona.patient or (chosen if chosen and _FHIR_ID.fullmatch(chosen) else None),
        launch.encounter if launch else None,
        data.get("nonce"),
    )
