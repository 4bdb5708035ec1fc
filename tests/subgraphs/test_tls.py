"""A subgraph that talks to nobody without a certificate, over real TLS."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager

import httpx2
import pytest
import uvicorn

from gateway.execution.client import SubgraphUnavailable
from gateway.execution.http_client import HttpSubgraphClient
from gateway.trust import ClientTls
from subgraphs.__main__ import main
from subgraphs.runtime.settings import RuntimeSettings
from subgraphs.runtime.tls import TlsError, client_context, server_options
from tests.certificates import Authority

LIVES = b'{"data":{"lives":true}}'


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("theirs"))


async def answer(scope, receive, send):
    assert scope["type"] == "http"
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": LIVES})


@asynccontextmanager
async def served(settings):
    config = uvicorn.Config(
        answer, host="127.0.0.1", port=0, lifespan="off", log_level="error",
        **server_options(settings),
    )  # fmt: skip
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/graphql"
    finally:
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await server.shutdown()


def settings_of(authority, issued, **given) -> RuntimeSettings:
    return RuntimeSettings(
        tls_certificate=issued.certificate, tls_key=issued.key, tls_ca=authority.ca, **given
    )


async def send(url, context):
    client = HttpSubgraphClient(url, tls=context)
    try:
        return await client.send(b"{}", (), 5.0)
    finally:
        await client.close()


async def test_gateway_and_subgraph_prove_themselves(authority, stranger):
    gateway = authority.issue("gateway")
    ours = ClientTls(ca=authority.ca, certificate=gateway.certificate, key=gateway.key)
    alien = stranger.issue("gateway")
    async with served(settings_of(authority, authority.issue("127.0.0.1"))) as url:
        assert await send(url, ours.context()) == LIVES
        for refused in (
            ClientTls(ca=authority.ca),  # no certificate at all
            ClientTls(ca=authority.ca, certificate=alien.certificate, key=alien.key),
            ClientTls(ca=stranger.ca, certificate=gateway.certificate, key=gateway.key),
            ClientTls(certificate=gateway.certificate, key=gateway.key),  # the machine's roots
        ):
            with pytest.raises(SubgraphUnavailable):
                await send(url, refused.context())


async def test_a_subgraph_of_another_name_is_not_asked(authority):
    gateway = authority.issue("gateway")
    ours = ClientTls(ca=authority.ca, certificate=gateway.certificate, key=gateway.key)
    async with served(settings_of(authority, authority.issue("elsewhere"))) as url:
        with pytest.raises(SubgraphUnavailable):
            await send(url, ours.context())


async def test_without_an_authority_nobody_is_asked_for_a_certificate(authority):
    own = authority.issue("127.0.0.1")
    settings = RuntimeSettings(tls_certificate=own.certificate, tls_key=own.key)
    async with served(settings) as url:
        assert await send(url, ClientTls(ca=authority.ca).context()) == LIVES


async def test_one_subgraph_asks_another(authority, stranger):
    """The question arrives, or the handshake fails; what is answered here is no answer to it."""
    async with served(settings_of(authority, authority.issue("127.0.0.1"))) as url:

        async def ask(settings):
            context = client_context(settings)
            async with httpx2.AsyncClient(base_url=url, verify=context) as client:
                return (await client.post("/access-facts")).content

        assert await ask(settings_of(authority, authority.issue("records"))) == LIVES
        with pytest.raises(httpx2.HTTPError):
            await ask(settings_of(authority, stranger.issue("records")))
        with pytest.raises(httpx2.HTTPError):
            await ask(RuntimeSettings())


@pytest.mark.parametrize(
    "given",
    [
        {"tls_key": "absent.key"},
        {"tls_ca": "absent.pem"},
        {"tls_certificate": "absent.pem", "tls_key": "absent.key"},
    ],
)
def test_a_file_that_cannot_be_used_is_told(given):
    with pytest.raises(TlsError, match="CHARTGRAPH_TLS_"):
        server_options(RuntimeSettings(**given))


def test_a_certificate_of_another_key_is_told(authority):
    one, other = authority.issue("one"), authority.issue("two")
    settings = RuntimeSettings(tls_certificate=one.certificate, tls_key=other.key)
    with pytest.raises(TlsError):
        server_options(settings)
    with pytest.raises((OSError, ssl.SSLError)):
        ClientTls(certificate=one.certificate, key=other.key).context()


def test_plain_http_needs_nothing():
    assert server_options(RuntimeSettings()) == {}


def test_a_subgraph_that_cannot_start_says_why(monkeypatch, tmp_path):
    monkeypatch.setenv("CHARTGRAPH_HOME", str(tmp_path))
    monkeypatch.setenv("CHARTGRAPH_TLS_CA", "absent.pem")
    with pytest.raises(SystemExit, match="CHARTGRAPH_TLS_CERTIFICATE"):
        main(["records", "--port", "0"])
