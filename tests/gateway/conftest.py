"""An issuer of tokens on loopback, which does as the test tells it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession, web
from joserfc import jws
from joserfc.jwk import ECKey

from gateway.settings import Issuer

AUDIENCE = "chartgraph"


@dataclass
class LoopbackIssuer:
    """Real HTTP; `answer` replaces what it says at its key address."""

    url: str = ""
    keys: list[Any] = field(default_factory=lambda: [new_key("key-1")])
    answer: Any = None
    fetched: int = 0

    def settings(self, **given) -> Issuer:
        return Issuer(issuer=self.url, audience={AUDIENCE}, patient_source="ehr-a", **given)

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
    return jws.serialize_compact(header, json.dumps(claims), key, registry=registry)


@pytest.fixture
async def issuer():
    it = LoopbackIssuer()

    async def discovery(_):
        return web.json_response({"issuer": it.url, "jwks_uri": f"{it.url}/jwks"})

    async def jwks(_):
        it.fetched += 1
        if it.answer is not None:
            return it.answer() if callable(it.answer) else it.answer
        return web.json_response({"keys": [key.as_dict(private=False) for key in it.keys]})

    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", discovery)
    app.router.add_get("/jwks", jwks)
    runner = web.AppRunner(app)
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
