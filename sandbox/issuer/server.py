"""The token issuer over HTTP: discovery, keys, sign-in, tokens, introspection, revocation.

https://hl7.org/fhir/smart-app-launch/conformance.html. `POST /persona-token` is the sandbox's own
shortcut, so that a command line or GraphiQL can be anyone without a browser; `POST /launch` is what
an EHR does within itself before it opens an app.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

import msgspec
from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error

from sandbox.httpserver import Request, Response
from sandbox.issuer.clients import Client
from sandbox.issuer.configuration import openid_configuration, smart_configuration
from sandbox.issuer.core import FormRequest, OAuthCore
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
        self.mint = mint
        self._personas = personas
        self._core = OAuthCore(mint, clients, f"{mint.issuer}/token")

    def classify(self, request: Request) -> Call:
        if request.path in ("/token", "/persona-token", "/introspect", "/revoke"):
            return Call(Kind.TOKEN, request.path.rpartition("-")[2].strip("/"))
        if request.path == "/jwks" or request.path.startswith("/.well-known/"):
            return Call(Kind.METADATA, request.path.rpartition("/")[2])
        return Call(Kind.OTHER, request.path.strip("/"))

    async def respond(self, request: Request) -> Response:  # noqa: PLR0911 - one case per address
        match request.method, request.path:
            case "GET", "/.well-known/openid-configuration":
                return json_response(200, openid_configuration(self.mint, self._scopes()))
            case "GET", "/.well-known/smart-configuration":
                return json_response(200, smart_configuration(self.mint, self._scopes()))
            case "GET", "/jwks":
                return json_response(200, self.mint.jwks)
            case (("GET" | "POST"), "/authorize"):
                return self._authorize(request)
            case "POST", "/token":
                return self._form(request, self._core.create_token_response)
            case "POST", "/introspect":
                return self._form(request, self._endpoint("introspection"))
            case "POST", "/revoke":
                return self._form(request, self._endpoint("revocation"))
            case "POST", "/persona-token":
                return self._persona_token(request)
            case "POST", "/launch":
                return self._launch(request)
        return json_response(404, {"error": "not_found"})

    def _scopes(self) -> list[str]:
        return sorted({scope for persona in self._personas.values() for scope in persona.scopes})

    def _endpoint(self, name: str) -> Any:
        return lambda request: self._core.create_endpoint_response(name, request)

    def _form(self, request: Request, answer: Any) -> Response:
        pairs = form_pairs(request)
        form = dict(pairs)
        oauth_request = self._oauth_request(request, {}, form)
        if len(form) < len(pairs):
            # https://www.rfc-editor.org/rfc/rfc6749#section-3.2
            error = InvalidRequestError("a parameter comes twice")
            return _answer(self._core.handle_error_response(oauth_request, error))
        return _answer(answer(oauth_request))

    def _authorize(self, request: Request) -> Response:
        """The page first; then, with a persona chosen on it, the code."""
        pairs = query_pairs(request) + (form_pairs(request) if request.method == "POST" else [])
        given = dict(pairs)
        persona = self._personas.get(given.pop("persona", ""))
        if persona is None:
            # Whose record is opened is chosen by the person on the page, not by the app.
            given.pop("patient", None)
        oauth_request = self._oauth_request(request, given, {})
        try:
            if len({name for name, _ in pairs}) < len(pairs):
                raise InvalidRequestError("a parameter comes twice")
            grant = self._core.get_consent_grant(oauth_request)
        except OAuth2Error as error:
            return _answer(self._core.handle_error_response(oauth_request, error))
        if persona is None:
            page = _login_page(f"/authorize?{urlencode(given)}", self._personas.values())
            return Response(200, page, "text/html; charset=utf-8", (_CSP, *_NO_STORE))
        return _answer(
            self._core.create_authorization_response(oauth_request, persona, grant=grant)
        )

    def _launch(self, request: Request) -> Response:
        asked = _read_object(request)
        patient, encounter = asked.get("patient"), asked.get("encounter")
        if not isinstance(patient, str | None) or not isinstance(encounter, str | None):
            return json_response(400, {"error": "invalid_request"})
        launch = self.mint.sessions.launch(patient, encounter)
        return json_response(200, {"iss": self.mint.issuer, "launch": launch}, _NO_STORE)

    def _persona_token(self, request: Request) -> Response:
        asked = _read_object(request)
        name = asked.get("persona")
        persona = self._personas.get(name) if isinstance(name, str) else None
        if persona is None:
            return json_response(
                400, {"error": "invalid_request", "personas": sorted(self._personas)}
            )
        lifetime = asked.get("expires_in", PERSON_LIFETIME)
        patient = asked.get("patient", persona.patient)
        certificate = asked.get("certificate")
        if not isinstance(lifetime, int) or not isinstance(patient, str | None):
            return json_response(400, {"error": "invalid_request"})
        if not isinstance(certificate, str | None):
            return json_response(400, {"error": "invalid_request"})
        if patient != persona.patient:
            persona = replace(persona, patient=patient, fhir_user=f"Patient/{patient}")
        answer = {
            "access_token": self.mint.for_persona(persona, lifetime, certificate),
            "token_type": "Bearer",
            "expires_in": lifetime,
            "scope": " ".join(persona.scopes),
        }
        return json_response(200, answer, _NO_STORE)

    def _oauth_request(
        self, request: Request, args: Mapping[str, str], form: Mapping[str, str]
    ) -> FormRequest:
        uri = f"{self.mint.issuer}{request.path}"
        return FormRequest(request.method, uri, args, form, request.headers)


def _read_object(request: Request) -> dict[str, Any]:
    try:
        asked = decode(request.body)
    except msgspec.DecodeError:
        return {}
    return asked if isinstance(asked, dict) else {}


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
