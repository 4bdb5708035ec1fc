"""The OAuth rules, on authlib's framework-free core, tightened to what SMART asks.

Stock authlib allows `plain` PKCE and none at all, and refuses RS384 and ES384 assertions: the
subclasses here turn both around. https://hl7.org/fhir/smart-app-launch/
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
    grants,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7636 import CodeChallenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sandbox.issuer.clients import Client
from sandbox.issuer.tokens import GATEWAY_AUDIENCE, PERSON_LIFETIME, SYSTEM_LIFETIME, TokenMint
from sandbox.personas import Persona

CODE_LIFETIME = 60
MAX_ASSERTION_LIFETIME = 300
ASSERTION_ALGORITHMS = ("RS384", "ES384")


class FormRequest(OAuth2Request):  # type: ignore[misc]  # authlib has no types
    def __init__(
        self, method: str, uri: str, args: Mapping[str, str], form: Mapping[str, str]
    ) -> None:
        super().__init__(method, uri)
        self._args, self._form = args, form
        self.payload = BasicOAuth2Payload({**args, **form})

    @property
    def args(self) -> Mapping[str, str]:
        return self._args

    @property
    def form(self) -> Mapping[str, str]:
        return self._form


@dataclass(frozen=True, slots=True)
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    code: str
    client_id: str
    redirect_uri: str
    scope: str
    persona: Persona
    code_challenge: str
    expires_at: float
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


class OAuthCore(AuthorizationServer):  # type: ignore[misc]
    """Speaks in `(status, body, headers)`; HTTP is the server module's."""

    def __init__(self, mint: TokenMint, clients: Mapping[str, Client], token_url: str) -> None:
        super().__init__()
        self.codes: dict[str, Code] = {}
        self._mint = mint
        self._clients = clients
        self.register_token_generator("default", self._generate)
        self.register_grant(_CodeGrant, [_S256Only()])
        self.register_grant(_SystemGrant)
        assertion = _ClientAssertion(token_url)
        self.register_client_auth_method(assertion.CLIENT_AUTH_METHOD, assertion)

    def query_client(self, client_id: str) -> Client | None:
        return self._clients.get(client_id)

    def save_token(self, token: Mapping[str, Any], request: OAuth2Request) -> None:
        """Nothing to keep: tokens carry their own claims and signature."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: FormRequest) -> FormRequest:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any, Any]:
        return status, body, headers

    def _generate(
        self, *, client: Client, user: Persona | None, scope: str, **_: Any
    ) -> dict[str, Any]:
        if user is None:
            token = self._mint.for_client(client.client_id, scope)
            lifetime = SYSTEM_LIFETIME
        else:
            token = self._mint.for_person(user, scope, client.client_id)
            lifetime = PERSON_LIFETIME
        answer: dict[str, Any] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": lifetime,
            "scope": scope,
        }
        if user is not None and user.patient:
            answer["patient"] = user.patient
        if user is not None and "openid" in scope.split():
            answer["id_token"] = self._mint.id_token(user, client.client_id)
        return answer


class _CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def validate_authorization_request(self) -> str:
        redirect_uri: str = super().validate_authorization_request()
        audience = self.request.payload.data.get("aud", GATEWAY_AUDIENCE)
        if audience != GATEWAY_AUDIENCE:
            raise InvalidRequestError("'aud' names another server", redirect_uri=redirect_uri)
        return redirect_uri

    def create_authorization_response(self, redirect_uri: str, grant_user: Persona) -> Any:
        """The scope granted is what was asked for, as far as the persona has it."""
        own = set(grant_user.scopes) if grant_user else set()
        granted = [scope for scope in self.request.scope.split() if scope in own]
        if grant_user and not granted:
            raise InvalidScopeError(redirect_uri=redirect_uri)
        self.request.scope = " ".join(granted)
        return super().create_authorization_response(redirect_uri, grant_user)

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        self.server.codes[code] = Code(
            code=code,
            client_id=request.client.client_id,
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            persona=request.user,
            code_challenge=request.payload.data["code_challenge"],
            expires_at=time.time() + CODE_LIFETIME,
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """A code is taken out by its first use, whether that succeeds or not."""
        found: Code | None = self.server.codes.pop(code, None)
        if found is None or found.client_id != client.client_id or found.expires_at < time.time():
            return None
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Already gone."""

    def authenticate_user(self, authorization_code: Code) -> Persona:
        return authorization_code.persona


class _S256Only(CodeChallenge):  # type: ignore[misc]
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with S256 is required")
        super().validate_code_challenge(grant, redirect_uri)


class _SystemGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_assertion_jwt",)

    def validate_requested_scope(self) -> None:
        if self.client.get_allowed_scope(self.request.payload.scope) is None:
            raise InvalidScopeError


class _ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc]
    """https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html"""

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
