"""The token issuer over HTTP: discovery, keys, sign-in, tokens, introspection.

https://hl7.org/fhir/smart-app-launch/conformance.html. `POST /persona-token` is the sandbox's own
shortcut, so that a command line or GraphiQL can be anyone without a browser.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any

import msgspec
from authlib.oauth2.rfc6749 import OAuth2Error

from sandbox.httpserver import Request, Response
from sandbox.issuer.clients import Client
from sandbox.issuer.grants import ASSERTION_ALGORITHMS, FormRequest, OAuthCore
from sandbox.issuer.tokens import PERSON_LIFETIME, TokenMint
from sandbox.ledger import Call, Kind
from sandbox.personas import Persona
from sandbox.wire import decode, form_pairs, json_response, query_pairs

_NO_STORE = (("cache-control", "no-store"), ("pragma", "no-cache"))
_PAGE = files("sandbox.issuer").joinpath("login.html").read_text()
_CSP = ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")


class IssuerServer:
    def __init__(
        self, mint: TokenMint, clients: Mapping[str, Client], personas: Mapping[str, Persona]
    ) -> None:
        self._mint = mint
        self._personas = personas
        self._core = OAuthCore(mint, clients, f"{mint.issuer}/token")

    def classify(self, request: Request) -> Call:
        if request.path in ("/token", "/persona-token"):
            return Call(Kind.TOKEN, "token")
        if request.path == "/jwks" or request.path.startswith("/.well-known/"):
            return Call(Kind.METADATA, request.path.rpartition("/")[2])
        return Call(Kind.OTHER, request.path.strip("/"))

    async def respond(self, request: Request) -> Response:  # noqa: PLR0911 - one case per address
        match request.method, request.path:
            case "GET", "/.well-known/openid-configuration" | "/.well-known/smart-configuration":
                return json_response(200, self._discovery())
            case "GET", "/jwks":
                return json_response(200, self._mint.jwks)
            case (("GET" | "POST"), "/authorize"):
                return self._authorize(request)
            case "POST", "/token":
                form = dict(form_pairs(request))
                return _answer(self._core.create_token_response(self._form_request(request, form)))
            case "POST", "/introspect":
                return self._introspect(request)
            case "POST", "/persona-token":
                return self._persona_token(request)
        return json_response(404, {"error": "not_found"})

    def _discovery(self) -> dict[str, Any]:
        issuer = self._mint.issuer
        return {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/jwks",
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "introspection_endpoint": f"{issuer}/introspect",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
            "scopes_supported": sorted({s for p in self._personas.values() for s in p.scopes}),
            "capabilities": [
                "launch-standalone",
                "client-public",
                "client-confidential-asymmetric",
                "sso-openid-connect",
                "context-standalone-patient",
                "permission-patient",
                "permission-user",
                "permission-v2",
            ],
        }

    def _authorize(self, request: Request) -> Response:
        """The page first; then, with a persona chosen on it, the code."""
        form = dict(form_pairs(request)) if request.method == "POST" else {}
        persona = self._personas.get(form.get("persona", ""))
        oauth_request = self._form_request(request, {})
        try:
            grant = self._core.get_consent_grant(oauth_request)
        except OAuth2Error as error:
            return _answer(self._core.handle_error_response(oauth_request, error))
        if persona is None:
            page = _login_page(f"/authorize?{request.query}", self._personas.values())
            return Response(200, page, "text/html; charset=utf-8", (_CSP, *_NO_STORE))
        return _answer(
            self._core.create_authorization_response(oauth_request, persona, grant=grant)
        )

    def _introspect(self, request: Request) -> Response:
        """https://www.rfc-editor.org/rfc/rfc7662"""
        form = dict(form_pairs(request))
        oauth_request = self._form_request(request, form)
        try:
            self._core.authenticate_client(oauth_request, ["client_assertion_jwt"], "introspection")
        except OAuth2Error as error:
            return _answer(self._core.handle_error_response(oauth_request, error))
        claims = self._mint.read(form.get("token", ""))
        answer = {"active": False} if claims is None else {"active": True, **claims}
        return json_response(200, answer, _NO_STORE)

    def _persona_token(self, request: Request) -> Response:
        try:
            asked = decode(request.body)
        except msgspec.DecodeError:
            asked = None
        asked = asked if isinstance(asked, dict) else {}
        name = asked.get("persona")
        persona = self._personas.get(name) if isinstance(name, str) else None
        if persona is None:
            return json_response(
                400, {"error": "invalid_request", "personas": sorted(self._personas)}
            )
        lifetime = asked.get("expires_in", PERSON_LIFETIME)
        patient = asked.get("patient", persona.patient)
        if not isinstance(lifetime, int) or not isinstance(patient, str | None):
            return json_response(400, {"error": "invalid_request"})
        if patient != persona.patient:
            persona = replace(persona, patient=patient, fhir_user=f"Patient/{patient}")
        answer = {
            "access_token": self._mint.for_persona(persona, lifetime),
            "token_type": "Bearer",
            "expires_in": lifetime,
            "scope": " ".join(persona.scopes),
        }
        return json_response(200, answer, _NO_STORE)

    def _form_request(self, request: Request, form: Mapping[str, str]) -> FormRequest:
        uri = f"{self._mint.issuer}{request.path}"
        return FormRequest(request.method, uri, dict(query_pairs(request)), form)


def _answer(answer: tuple[int, Any, Any]) -> Response:
    status, body, headers = answer
    kept = [(name.lower(), value) for name, value in headers if name.lower() != "content-type"]
    return json_response(status, body or {}, tuple(kept))


def _login_page(action: str, personas: Any) -> bytes:
    choices = "".join(
        f'<button name="persona" value="{html.escape(persona.name)}">'
        f"<b>{html.escape(persona.name)}</b><span>{html.escape(persona.title)}</span></button>"
        for persona in personas
    )
    page = _PAGE.replace("{action}", html.escape(action, quote=True))
    return page.replace("{choices}", choices).encode()
