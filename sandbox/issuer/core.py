"""authlib's authorization server, put together: grants, endpoints, and what they answer with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from sandbox.issuer.assertion import ClientAssertion
from sandbox.issuer.clients import Client
from sandbox.issuer.endpoints import Introspection, Revocation
from sandbox.issuer.grants import CodeGrant, RefreshGrant, S256Only, SystemGrant
from sandbox.issuer.sessions import Session
from sandbox.issuer.tokens import PERSON_LIFETIME, SYSTEM_LIFETIME, TokenMint


class FormRequest(OAuth2Request):  # type: ignore[misc]  # authlib has no types
    def __init__(
        self,
        method: str,
        uri: str,
        args: Mapping[str, str],
        form: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(method, uri, headers=headers)
        self._args, self._form = args, form
        self.payload = BasicOAuth2Payload({**args, **form})

    @property
    def args(self) -> Mapping[str, str]:
        return self._args

    @property
    def form(self) -> Mapping[str, str]:
        return self._form


class OAuthCore(AuthorizationServer):  # type: ignore[misc]
    """Speaks in `(status, body, headers)`; HTTP is the server module's."""

    def __init__(self, mint: TokenMint, clients: Mapping[str, Client], token_url: str) -> None:
        super().__init__()
        self.mint = mint
        self.sessions = mint.sessions
        self._clients = clients
        self.register_token_generator("default", self._generate)
        self.register_grant(CodeGrant, [S256Only()])
        self.register_grant(RefreshGrant)
        self.register_grant(SystemGrant)
        self.register_endpoint(Introspection)
        self.register_endpoint(Revocation)
        assertion = ClientAssertion(token_url)
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
        self, *, client: Client, user: Session | None, scope: str, **_: Any
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {"token_type": "Bearer", "scope": scope}
        if user is None:
            token = self.mint.for_client(client.client_id, scope)
            return {**answer, "access_token": token, "expires_in": SYSTEM_LIFETIME}
        answer |= {
            "access_token": self.mint.for_person(user, scope),
            "expires_in": PERSON_LIFETIME,
            **user.context,
        }
        if (refresh := self.sessions.issue_refresh(user, scope)) is not None:
            answer["refresh_token"] = refresh
        if "openid" in scope.split():
            answer["id_token"] = self.mint.id_token(user)
        return answer
