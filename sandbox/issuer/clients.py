"""The registered clients: one public app per persona's world, and the gateway's own service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import ClientMixin

from contract.scopes import parse_scope
from sandbox.personas import PARTNER_CLIENT, USER_CLIENT

SERVICE_CLIENT = "chartgraph"

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Client(ClientMixin):  # type: ignore[misc]  # authlib has no types
    """Public with redirects, or, with keys, confidential by private_key_jwt."""

    client_id: str
    jwks: Mapping[str, Any] | None = None

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """There is none: a request names its own."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scope as asked for, or None. A person's own limits are applied when they sign in."""
        asked = (scope or "").split()
        if self.jwks is not None and not all(map(_is_systems, asked)):
            return None
        return " ".join(asked) or None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Any port and path of this machine. https://www.rfc-editor.org/rfc/rfc8252#section-7.3"""
        url = urlsplit(redirect_uri)
        return url.scheme == "http" and url.hostname in _LOOPBACK and not url.fragment

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        return method == ("none" if self.jwks is None else "client_assertion_jwt")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.jwks is None

    def check_grant_type(self, grant_type: str) -> bool:
        if self.jwks is None:
            return grant_type in ("authorization_code", "refresh_token")
        return grant_type == "client_credentials"


def _is_systems(text: str) -> bool:
    scope = parse_scope(text)
    return scope is not None and scope.level == "system" and not scope.params


def registered_clients(service_jwks: Mapping[str, Any]) -> dict[str, Client]:
    clients = (
        Client(USER_CLIENT),
        Client(PARTNER_CLIENT),
        Client(SERVICE_CLIENT, service_jwks),
    )
    return {client.client_id: client for client in clients}
