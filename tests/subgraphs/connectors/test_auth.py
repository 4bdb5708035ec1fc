"""Tokens of SMART backend services, as an authorization server sees them asked for."""

import asyncio
import json
import time
from urllib.parse import parse_qs

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from subgraphs.connectors.auth import BackendServices
from subgraphs.connectors.config import BearerFile, ConfigError, SmartBackend
from subgraphs.connectors.errors import ProtocolViolation, Refused, Unavailable
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.transport import open_client
from tests.plugins.sekmet import RSA_CLIENT_ID

TOKEN_URL = "https://issuer.example/token"
KEYS = {
    "RS384": RSAKey.generate_key(2048, {"kid": "1"}),
    "ES384": ECKey.generate_key("P-384", {"kid": "1"}),
}


class Issuer:
    """Issues tokens t1, t2, …; the EHR beside it accepts those in `accepted`."""

    def __init__(self) -> None:
        self.assertions: list[str] = []
        self.seen: list[str | None] = []
        self.accepted = {"Bearer t1", "Bearer t2"}
        self.expires_in = 300
        self.refusal: httpx2.Response | None = None

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0)
        if str(request.url) == TOKEN_URL:
            assert "Authorization" not in request.headers
            form = parse_qs(request.content.decode())
            self.assertions.append(form["client_assertion"][0])
            if self.refusal is not None:
                return self.refusal
            token = f"t{len(self.assertions)}"
            grant = {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_in}
            return httpx2.Response(200, json=grant)
        self.seen.append(request.headers.get("Authorization"))
        status = 200 if self.seen[-1] in self.accepted else 401
        return httpx2.Response(status, json={})


@pytest.fixture
def issuer():
    return Issuer()


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "client.jwk"
    file.write_text(json.dumps(KEYS["ES384"].as_dict(private=True)))
    return file


def source(auth) -> FhirSource:
    return FhirSource(id="ehr-a", url="https://ehr.example/fhir", serves=("records",), auth=auth)


@pytest.fixture
async def client(issuer, key_file):
    auth = SmartBackend(token_url=TOKEN_URL, client_id="chartgraph", key_file=key_file)
    network = httpx2.MockTransport(issuer.answer)
    async with open_client(source(auth), network=network) as opened:
        yield opened


@pytest.mark.parametrize("algorithm", KEYS)
async def test_the_assertion_is_what_smart_asks_for(algorithm, issuer, tmp_path):
    key = KEYS[algorithm]
    file = tmp_path / "key.jwk"
    file.write_text(json.dumps(key.as_dict(private=True)))
    auth = SmartBackend(token_url=TOKEN_URL, client_id="chartgraph", key_file=file)
    network = httpx2.MockTransport(issuer.answer)
    async with open_client(source(auth), network=network) as opened:
        await opened.get("Patient/1")
    token = jwt.decode(issuer.assertions[0], key, algorithms=[algorithm])
    assert token.header == {"alg": algorithm, "typ": "JWT", "kid": "1"}
    claims = token.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("chartgraph", "chartgraph", TOKEN_URL)
    assert 0 < claims["exp"] - time.time() <= 300
    assert len(claims["jti"]) >= 16


async def test_one_token_serves_many_calls_even_at_once(issuer, client):
    await asyncio.gather(*(client.get("Patient/1") for _ in range(20)))
    assert len(issuer.assertions) == 1
    assert issuer.seen == ["Bearer t1"] * 20


async def test_a_token_refused_is_renewed_once_and_the_call_goes_on(issuer, client):
    issuer.accepted = {"Bearer t2"}
    answers = await asyncio.gather(*(client.get("Patient/1") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(issuer.assertions) == 2


async def test_a_second_refusal_is_final(issuer, client):
    issuer.accepted = set()
    with pytest.raises(Refused):
        await client.get("Patient/1")
    assert len(issuer.seen) == 2


async def test_a_token_is_not_used_up_to_its_last_second(issuer, key_file):
    clock = [1_000.0]
    auth = SmartBackend(token_url=TOKEN_URL, client_id="chartgraph", key_file=key_file)
    network = httpx2.MockTransport(issuer.answer)
    credentials = BackendServices(auth, httpx2.AsyncClient(transport=network), now=lambda: clock[0])
    headers = []
    for moment in (0, 269, 271):
        clock[0] = 1_000.0 + moment
        headers.append(await credentials.header())
    assert headers == ["Bearer t1", "Bearer t1", "Bearer t2"]
    await credentials.aclose()


async def test_a_short_token_is_used_at_all(issuer, client):
    issuer.expires_in = 10
    await client.get("Patient/1")
    await client.get("Patient/1")
    assert len(issuer.assertions) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.Response(400, json={"error": "invalid_client"}), Refused),
        (httpx2.Response(401, json={"error": "invalid_client"}), Refused),
        (httpx2.Response(503), Unavailable),
        (httpx2.Response(200, json={"token_type": "mac", "access_token": "x"}), ProtocolViolation),
        (httpx2.Response(200, html="<html>"), ProtocolViolation),
    ],
)
async def test_an_issuer_that_issues_nothing(answer, error, issuer, client):
    issuer.refusal = answer
    with pytest.raises(error):
        await client.get("Patient/1")
    assert issuer.seen == []


async def test_the_token_appears_in_no_repr(issuer, key_file):
    auth = SmartBackend(token_url=TOKEN_URL, client_id="chartgraph", key_file=key_file)
    network = httpx2.MockTransport(issuer.answer)
    credentials = BackendServices(auth, httpx2.AsyncClient(transport=network))
    await credentials.header()
    assert "t1" not in repr(vars(credentials))


async def test_a_static_token(issuer, tmp_path):
    file = tmp_path / "token"
    file.write_text("t1\n")
    network = httpx2.MockTransport(issuer.answer)
    async with open_client(source(BearerFile(token_file=file)), network=network) as opened:
        await opened.get("Patient/1")
        issuer.accepted = set()
        with pytest.raises(Refused):
            await opened.get("Patient/1")
    assert issuer.seen == ["Bearer t1", "Bearer t1"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "no private RSA or EC key"),
        ("{}", "no private RSA or EC key"),
        ('{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}', "no private RSA or EC key"),
        (json.dumps(KEYS["ES384"].as_dict(private=False)), "no private RSA or EC key"),
        (json.dumps(ECKey.generate_key("P-256").as_dict(private=True)), "P-384"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_at_once(content, complaint, tmp_path):
    file = tmp_path / "key.jwk"
    file.write_text(content)
    auth = SmartBackend(token_url=TOKEN_URL, client_id="chartgraph", key_file=file)
    with pytest.raises(ConfigError, match=complaint) as raised:
        open_client(source(auth))
    assert "c2VjcmV0" not in str(raised.value)


@pytest.mark.third_party
@pytest.mark.shared_data
@pytest.mark.parametrize("algorithm", KEYS)
async def test_a_token_endpoint_nobody_here_wrote_takes_either_kind_of_key(
    sekmet, algorithm, tmp_path
):
    files = {"RS384": sekmet.rsa_key_file, "ES384": sekmet.key_file}
    clients = {"RS384": RSA_CLIENT_ID, "ES384": sekmet.client_id}
    foreign = tmp_path / "foreign.jwk"
    # Another key under the name of the one that is registered.
    kid = json.loads(files[algorithm].read_text())["kid"]
    foreign.write_text(json.dumps({**KEYS[algorithm].as_dict(private=True), "kid": kid}))

    async def count(file):
        auth = SmartBackend(
            token_url=sekmet.token_url,
            client_id=clients[algorithm],
            key_file=file,
            scope="system/Patient.rs",
        )
        config = FhirSource(id="sekmet", url=sekmet.url, serves=(), auth=auth, timeout=30)
        async with open_client(config) as opened:
            return (await opened.get("Patient", params={"_summary": "count"})).json()["total"]

    assert await count(files[algorithm]) == len(sekmet.bundles)
    with pytest.raises(Refused):
        await count(foreign)
