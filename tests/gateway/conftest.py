"""An issuer of tokens on loopback, which does as the test tells it, and gateways to ask."""

from __future__ import annotations

import json
import time
import warnings
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

import pytest
from aiohttp import ClientSession, web
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey

from gateway.app import create_app
from gateway.http.graphiql import PageConfig
from gateway.settings import Settings
from gateway.trust import Issuer
from schema import ROLES
from tests.gateway.support.server import served
from tests.gateway.support.subgraph import SUPERGRAPH, ScriptedSubgraph

AUDIENCE = "chartgraph"


@dataclass
class LoopbackIssuer:
    """Real HTTP; `answer` replaces what it says at its key address, `discovery` and `introspection`
    likewise; `opaque` is what it knows of tokens that are no JWTs, `revoked` what it disowns."""

    url: str = ""
    keys: list[Any] = field(default_factory=lambda: [new_key("key-1")])
    answer: Any = None
    discovery: Any = None
    introspection: Any = None
    opaque: dict[str, dict[str, Any]] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    fetched: int = 0
    visited: list[str] = field(default_factory=list)
    introspected: list[tuple[dict[str, str], dict[str, str]]] = field(default_factory=list)
    """Form and headers of each question."""

    def settings(self, **given) -> Issuer:
        usual = {"patient_source": "ehr-a", "roles": ROLES}
        return Issuer(issuer=self.url, audience={AUDIENCE}, **(usual | given))

    def configuration(self, **changes) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint": f"{self.url}/token",
            "introspection_endpoint": f"{self.url}/introspect",
            **changes,
        }

    async def say(self, given: Any) -> Any:
        """What the test put in place of an answer; a function may wait, or answer None."""
        if given is None:
            return None
        answer = given()
        return await answer if isawaitable(answer) else answer

    def claims(self, **changes) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "practitioner-7",
            "client_id": "portal",
            "scope": "openid user/*.rs",
            "roles": ["clinician"],
            "iat": now,
            "exp": now + 300,
            "jti": "token-1",
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(self, *, key=None, header=None, **changes) -> str:
        key = key or self.keys[0]
        protected = {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"} | (header or {})
        return sign(protected, self.claims(**changes), key)


def new_key(name: str, **parameters: Any) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": name, "use": "sig", **parameters})


class Unchecked(jws.JWSRegistry):
    """Signs what a hostile issuer would, critical headers of any kind among it."""

    def check_header(self, header) -> None:
        pass


def sign(header: dict[str, Any], claims: dict[str, Any], key) -> str:
    registry = Unchecked(algorithms=[header["alg"]])
    with warnings.catch_warnings(action="ignore", category=SecurityWarning):
        return jws.serialize_compact(header, json.dumps(claims), key, registry=registry)


@pytest.fixture
async def issuer():
    it = LoopbackIssuer()

    async def discovery(_):
        return await it.say(it.discovery) or web.json_response(it.configuration())

    async def jwks(_):
        it.fetched += 1
        keys = {"keys": [key.as_dict(private=False) for key in it.keys]}
        return await it.say(it.answer) or web.json_response(keys)

    async def introspect(request):
        form = dict(await request.post())
        it.introspected.append((form, dict(request.headers)))
        answer = await it.say(it.introspection)
        if answer is not None:
            return answer
        token = form["token"]
        if token in it.revoked or not (token in it.opaque or token.startswith("eyJ")):
            return web.json_response({"active": False})
        return web.json_response({"active": True, **it.opaque.get(token, {})})

    async def elsewhere(request):
        it.visited.append(request.path)
        return web.json_response({"keys": [new_key("key-1").as_dict(private=False)]})

    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", discovery)
    app.router.add_get("/jwks", jwks)
    app.router.add_post("/introspect", introspect)
    app.router.add_get("/elsewhere", elsewhere)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield it
    await runner.cleanup()


@pytest.fixture
async def http():
    async with ClientSession() as session:
        yield session


@dataclass
class Gateway:
    """One that is served, with what is behind it."""

    url: str
    app: Any
    http: ClientSession
    records: ScriptedSubgraph
    weather: ScriptedSubgraph

    async def post(self, body: Any, token: str | None = None, **headers: str):
        """Status, body and headers of an answer to what is sent as JSON, or as it is if bytes."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if token is not None:
            given["authorization"] = f"Bearer {token}"
        async with self.http.post(f"{self.url}/graphql", data=raw, headers=given) as response:
            return Reply(response.status, await response.read(), response.headers)

    async def ask(self, query: str, token: str | None = None, **parameters: Any):
        reply = await self.post({"query": query, **parameters}, token)
        return reply.json


@dataclass
class Reply:
    status: int
    body: bytes
    headers: Any

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.json.get("errors", [])]


@pytest.fixture
async def start(tmp_path, http, issuer):
    """Start a gateway with settings of the test's choice; it ends with the test."""
    supergraph = tmp_path / "supergraph.graphql"
    supergraph.write_text(SUPERGRAPH)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "master.key").write_bytes(b"m" * 32)

    async with AsyncExitStack() as running:

        async def start_gateway(page: PageConfig | None = None, **given: Any) -> Gateway:
            settings = Settings(
                **{
                    "supergraph": supergraph,
                    "home": tmp_path / "home",
                    "issuers": (issuer.settings(),),
                    "signed_subgraphs": {"records"},
                }
                | given
            )
            key = settings.key("context:records") if settings.signed_subgraphs else None
            records, weather = ScriptedSubgraph("records", key), ScriptedSubgraph("weather")
            app = create_app(settings, {"records": records, "weather": weather}, page=page)
            url = await running.enter_async_context(served(app))
            return Gateway(url, app, http, records, weather)

        yield start_gateway
