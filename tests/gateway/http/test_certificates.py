"""Tokens that are good only for who shows a certificate.

https://www.rfc-editor.org/rfc/rfc8705, https://www.rfc-editor.org/rfc/rfc9440
"""

from __future__ import annotations

import base64
import ssl
from urllib.parse import quote

import pytest
from aiohttp import WSMsgType
from pydantic import ValidationError

from gateway.__main__ import server_config
from gateway.app import create_app
from gateway.authorization.binding import thumbprint_of
from gateway.http.certificates import ShownCertificates
from gateway.settings import Settings, SettingsError
from gateway.trust import ClientCertificates, ServerTls
from tests.certificates import Authority
from tests.gateway.support.server import served
from tests.gateway.support.subgraph import SUPERGRAPH

HELLO = {"query": "{ __typename }"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def clients(authority):
    return authority.issue("portal"), authority.issue("other")


def rfc9440(der: bytes) -> str:
    return f":{base64.b64encode(der).decode()}:"


def escaped_pem(der: bytes) -> str:
    return quote(ssl.DER_cert_to_PEM_cert(der))


def bound(issuer, client) -> str:
    return issuer.token(cnf={"x5t#S256": thumbprint_of(client.der)})


@pytest.mark.parametrize("form", [rfc9440, escaped_pem])
async def test_a_bound_token_needs_its_certificate(start, issuer, clients, form):
    own, other = clients
    gateway = await start(client_certificates=ClientCertificates(trusted_proxies=["127.0.0.0/8"]))
    token = bound(issuer, own)
    for _ in range(2):  # the second time the token is remembered
        assert (await gateway.post(HELLO, token, client_cert=form(own.der))).status == 200
        for shown in (form(other.der), "", ":AA==:", ":!:", "x", quote("-----BEGIN CERT")):
            reply = await gateway.post(HELLO, token, client_cert=shown)
            assert (reply.status, reply.codes) == (401, ["TOKEN_INVALID"])
        reply = await gateway.post(HELLO, token)
        assert (reply.status, reply.codes) == (401, ["TOKEN_INVALID"])
    # A token that is not bound is good for anyone.
    assert (await gateway.post(HELLO, issuer.token(), client_cert=form(other.der))).status == 200


@pytest.mark.parametrize("scheme", ["DPoP", "Basic", "Token", "Bearer,", ""])
async def test_a_token_is_borne_and_nothing_else(start, issuer, scheme):
    gateway = await start()
    reply = await gateway.post(HELLO, authorization=f"{scheme} {issuer.token()}")
    assert (reply.status, reply.codes) == (401, ["UNAUTHENTICATED"])


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(None, id="nobody is trusted"),
        pytest.param(ClientCertificates(trusted_proxies=["10.0.0.0/8"]), id="another proxy is"),
        pytest.param(ClientCertificates(trusted_proxies=["unix"]), id="a socket is"),
        pytest.param(
            ClientCertificates(header="x-cert", trusted_proxies=["127.0.0.0/8"]),
            id="another header",
        ),
    ],
)
async def test_a_client_cannot_vouch_for_itself(start, issuer, clients, given):
    gateway = await start(client_certificates=given)
    own = clients[0]
    forwarded = {"x_forwarded_for": "10.0.0.1", "forwarded": "for=10.0.0.1"}
    reply = await gateway.post(HELLO, bound(issuer, own), client_cert=rfc9440(own.der), **forwarded)
    assert (reply.status, reply.codes) == (401, ["TOKEN_INVALID"])


def scope(*values: str, peer=("127.0.0.1", 1), at=("127.0.0.1", 4000)):
    return {
        "client": peer,
        "server": at,
        "headers": [(b"client-cert", value.encode()) for value in values],
    }


def test_who_is_believed(clients):
    der = clients[0].der
    trusted = ClientCertificates(trusted_proxies=["127.0.0.1/32", "::1/128", "unix"])
    shown = ShownCertificates(Settings(client_certificates=trusted))
    expected = thumbprint_of(der)
    assert shown.thumbprint(scope(rfc9440(der))) == expected
    assert shown.thumbprint(scope(rfc9440(der), peer=("::1", 1))) == expected
    assert shown.thumbprint(scope(rfc9440(der), peer=None, at=("/run/cg.sock", None))) == expected
    # Nobody is there any more, which is not the same as to be at a socket.
    for peer in (("127.0.0.2", 1), ("localhost", 1), ("", 0), ("unix", 0), None):
        assert shown.thumbprint(scope(rfc9440(der), peer=peer)) is None
    assert shown.thumbprint(scope(rfc9440(der), rfc9440(der))) is None
    assert shown.thumbprint(scope(":" + "A" * 20_000 + ":")) is None
    assert shown.thumbprint(scope()) is None


@pytest.mark.parametrize("proxies", [[], ["10.0.0.1/8"], ["everyone"], ["0.0.0.0/33"]])
def test_a_proxy_is_an_address_or_a_socket(proxies):
    with pytest.raises(ValidationError):
        ClientCertificates(trusted_proxies=proxies)


async def test_our_own_tls_tells_who_is_there(tmp_path, issuer, http, authority, clients):
    own, other = clients
    mine = authority.issue("127.0.0.1")
    tls = ServerTls(certificate=mine.certificate, key=mine.key, client_ca=authority.ca)
    supergraph = tmp_path / "supergraph.graphql"
    supergraph.write_text(SUPERGRAPH)
    settings = Settings(
        supergraph=supergraph, home=tmp_path, issuers=(issuer.settings(),), tls=tls, audit=False
    )
    app = create_app(settings)
    async with served(app, server_config(app, settings)) as url:
        address = url.replace("http:", "https:") + "/graphql"

        async def ask(token, shown=None, **headers):
            context = authority.context(shown)
            headers["authorization"] = f"Bearer {token}"
            async with http.post(address, json=HELLO, headers=headers, ssl=context) as reply:
                return reply.status

        token = bound(issuer, own)
        assert await ask(token, own) == 200
        assert await ask(token, other) == 401
        assert await ask(token) == 401
        assert await ask(token, **{"client-cert": rfc9440(own.der)}) == 401
        assert await ask(issuer.token()) == 200

        async def connect(token, shown=None):
            """What a WebSocket's greeting is answered with."""
            context = authority.context(shown)
            protocols = ("graphql-transport-ws",)
            async with http.ws_connect(address, protocols=protocols, ssl=context) as socket:
                payload = {"authorization": f"Bearer {token}"}
                await socket.send_json({"type": "connection_init", "payload": payload})
                message = await socket.receive()
                return message.data if message.type is WSMsgType.CLOSE else message.json()["type"]

        assert await connect(token, own) == "connection_ack"
        assert await connect(token, other) == 4403
        assert await connect(token) == 4403
        assert await connect(issuer.token()) == "connection_ack"


def test_the_servers_own_word_on_who_asks_is_not_a_header(tmp_path):
    settings = Settings(dev=True)
    assert server_config(create_app(settings), settings).proxy_headers is False


@pytest.mark.parametrize("name", ["certificate", "key", "client_ca"])
def test_a_file_that_cannot_be_used_is_told(authority, tmp_path, name):
    own = authority.issue("127.0.0.1")
    files = {"certificate": own.certificate, "key": own.key, "client_ca": authority.ca}
    tls = ServerTls(**files | {name: tmp_path / "absent.pem"})
    settings = Settings(dev=True, tls=tls)
    with pytest.raises(SettingsError, match="tls"):
        server_config(create_app(settings), settings)
