"""What a subgraph, or what stands before it, may do to a connection; told by raw bytes."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.execution import http_connections
from gateway.execution.client import HeaderSink, SubgraphInvalidResponse, SubgraphUnavailable
from gateway.execution.http_client import HttpSubgraphClient

JSON = b"content-type: application/json\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\n" + JSON + b"content-length: 2\r\n\r\n{}"
LIMIT = 1000


class Peer:
    """Answers each request with the next of its scripts; the last one stays.

    A script is what is written, piece by piece; then the connection stays open, unless the last
    piece is None.
    """

    def __init__(self, *scripts: list[bytes | None]) -> None:
        self.scripts = list(scripts) or [[ANSWER]]
        self.requests: list[bytes] = []
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.gone = asyncio.Event()
        """No connection is left."""
        self.asked = asyncio.Event()
        self.gate: asyncio.Event | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.gone.clear()
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()
            self.open -= 1
            if not self.open:
                self.gone.set()

    async def _answer(self, reader, writer) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        self.requests.append(head + await reader.readexactly(length))
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        for piece in script:
            if piece is None:
                writer.write_eof()
                return False
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return True

    @asynccontextmanager
    async def reached(self, *, tls=None, scheme="http", host="127.0.0.1", trust=None, **options):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        client = HttpSubgraphClient(
            f"{scheme}://{host}:{port}/graphql?a=b", max_response_bytes=LIMIT, tls=trust, **options
        )
        yield client
        await client.close()
        server.close()
        await server.wait_closed()


async def send(client, body=b"{}", headers=(), seconds=5.0, *, repeatable=False):
    return await client.send(body, headers, seconds, repeatable=repeatable)


def response(*lines: bytes, body: bytes = b"{}") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"content-type: application/json", *lines, b"", body])


async def test_what_is_sent():
    peer = Peer()
    async with peer.reached() as client:
        await send(client, b'{"query":"{ a }"}', [("Chartgraph-Context", "signed"), ("x", "\xe9")])
    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert first == b"POST /graphql?a=b HTTP/1.1"
    assert lines[0].startswith(b"host: 127.0.0.1:")
    assert {b"accept-encoding: identity", b"Chartgraph-Context: signed", b"x: \xe9"} < {*lines}
    assert b"content-length: 17" in lines
    assert body == b'{"query":"{ a }"}'


@pytest.mark.parametrize("value", ["a\r\nhost: evil", "a\nb", "a\rb", "a\0b"])
async def test_no_value_can_begin_a_header_of_its_own(value):
    peer = Peer()
    async with peer.reached() as client:
        with pytest.raises(ValueError, match="line break"):
            await send(client, headers=[("authorization", value)])
    assert peer.connections == 0


CHUNKED = b"transfer-encoding: chunked"


@pytest.mark.parametrize(
    "script",
    [
        [ANSWER[:20], ANSWER[20:50], ANSWER[50:-1], ANSWER[-1:]],
        [bytes([byte]) for byte in ANSWER],
        [response(CHUNKED, body=b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")],
        [response(CHUNKED, body=b"1\r\n{\r\n"), b"1;x=y\r\n}\r\n0\r\nx-sum: 1\r\n\r\n"],
        [response(b"content-encoding: identity", b"content-length: 2")],
        [response(), None],
        [b"HTTP/1.0 200 OK\r\n" + JSON + b"\r\n{", b"}", None],
        [b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER],
        [b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n", ANSWER],
    ],
    ids=lambda script: repr(b"|".join(each or b"" for each in script)[-60:]),
)
async def test_ways_to_say_the_same(script):
    async with Peer(script).reached() as client:
        assert await send(client) == b"{}"


@pytest.mark.parametrize(
    "script",
    [
        [b"SSH-2.0-OpenSSH\r\n\r\n"],
        [b"HTTP/1.1 2000 OK\r\n\r\n"],
        [b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"],
        [response(b"content-length: two")],
        [response(b"content-length: 2", b"content-length: 3")],
        [response(b"content-length: 2", CHUNKED)],
        [response(CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n")],
        [response(b"content-encoding: gzip", b"content-length: 2")],
        [response(b"content-length: 1001", body=b"")],
        [response(CHUNKED, body=b"3e9\r\n" + b"x" * 1001)],
        [response(body=b"x" * 1001)],
        [response(b"x: " + b"y" * 70_000)],
        [response(CHUNKED, body=b"0\r\n" + b"x-trailer: y\r\n" * 6_000)],
    ],
    ids=lambda script: repr(script[0][16:90]),
)
async def test_what_is_no_answer_ends_the_connection(script):
    peer = Peer(script, [ANSWER])
    async with peer.reached() as client:
        with pytest.raises(SubgraphInvalidResponse):
            await send(client)
        assert await send(client) == b"{}"
    assert peer.connections == 2


@pytest.mark.parametrize(
    "script",
    [[None], [ANSWER[:20], None], [ANSWER[:-1], None], [response(CHUNKED, body=b"1\r\n{"), None]],
)
async def test_an_answer_that_breaks_off(script):
    async with Peer(script).reached() as client:
        with pytest.raises(SubgraphUnavailable):
            await send(client, repeatable=True)


async def test_a_connection_carries_many_requests():
    peer = Peer([ANSWER], [response(CHUNKED, body=b"2\r\n[]\r\n0\r\n\r\n")], [ANSWER])
    async with peer.reached() as client:
        assert [await send(client) for _ in range(3)] == [b"{}", b"[]", b"{}"]
    assert peer.connections == 1


@pytest.mark.parametrize(
    "script",
    [
        [response(b"connection: close", b"content-length: 2")],
        [b"HTTP/1.0 200 OK\r\n" + JSON + b"content-length: 2\r\n\r\n{}"],
        [ANSWER + ANSWER],
        [ANSWER + b"nonsense"],
    ],
)
async def test_a_connection_that_cannot_go_on_is_not_used_again(script):
    peer = Peer(script, [ANSWER])
    async with peer.reached() as client:
        assert await send(client) == b"{}"
        assert await send(client) == b"{}"
    assert peer.connections == 2


async def test_what_comes_unasked_is_nobodys_answer():
    """Else it would be taken for the answer to the next request, another patient's perhaps."""
    peer = Peer([ANSWER, response(b"content-length: 2", body=b"[]")], [ANSWER])
    async with peer.reached() as client:
        assert await send(client) == b"{}"
        await peer.gone.wait()
        assert await send(client) == b"{}"
    assert peer.connections == 2


async def test_a_connection_closed_while_idle_is_replaced():
    peer = Peer([ANSWER, None], [ANSWER])
    async with peer.reached() as client:
        await send(client)
        await peer.gone.wait()
        await asyncio.sleep(0.01)
        assert await send(client) == b"{}"
    assert len(peer.requests) == 2


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_connection_closed_as_it_is_used(repeatable):
    """Nobody knows whether the request arrived: a mutation must not be sent twice."""
    peer = Peer([ANSWER], [None], [ANSWER])
    async with peer.reached() as client:
        await send(client)
        if repeatable:
            assert await send(client, repeatable=True) == b"{}"
        else:
            with pytest.raises(SubgraphUnavailable, match="hung up"):
                await send(client)
    assert len(peer.requests) == (3 if repeatable else 2)
    assert peer.requests[1:] == peer.requests[1:2] * (len(peer.requests) - 1)


async def test_it_is_sent_again_once_only():
    peer = Peer([ANSWER], [None])
    async with peer.reached() as client:
        await send(client)
        with pytest.raises(SubgraphUnavailable):
            await send(client, repeatable=True)
    assert len(peer.requests) == 3


async def test_nothing_is_sent_again_once_an_answer_has_begun():
    peer = Peer([ANSWER], [ANSWER[:10], None], [ANSWER])
    async with peer.reached() as client:
        await send(client)
        with pytest.raises(SubgraphUnavailable, match="middle"):
            await send(client, repeatable=True)
    assert len(peer.requests) == 2


async def test_cancelling_closes_the_connection():
    peer = Peer()
    peer.gate = asyncio.Event()
    async with peer.reached() as client:
        task = asyncio.create_task(send(client))
        await peer.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        peer.gate.set()
        await peer.gone.wait()
        assert await send(client) == b"{}"
    assert peer.connections == 2


async def test_an_answer_that_does_not_come_in_time_closes_the_connection():
    peer = Peer([ANSWER[:-1]], [ANSWER])
    async with peer.reached() as client:
        with pytest.raises(SubgraphUnavailable, match="in time"):
            await send(client, seconds=0.05)
        await peer.gone.wait()
        assert await send(client) == b"{}"


async def test_connections_are_bounded():
    peer = Peer()
    async with peer.reached(connections=3) as client:
        assert await asyncio.gather(*[send(client) for _ in range(20)]) == [b"{}"] * 20
    assert peer.most_open == peer.connections == 3


async def test_waiting_for_a_connection_takes_its_time_too():
    peer = Peer()
    peer.gate = asyncio.Event()
    async with peer.reached(connections=1) as client:
        first = asyncio.create_task(send(client))
        await peer.asked.wait()
        with pytest.raises(SubgraphUnavailable, match="in time"):
            await send(client, seconds=0.05)
        peer.gate.set()
        assert await first == b"{}"
        assert await send(client) == b"{}"


async def test_connections_nobody_needs_are_closed(monkeypatch):
    monkeypatch.setattr(http_connections, "KEEP_ALIVE_SECONDS", 0.02)
    peer = Peer()
    async with peer.reached() as client:
        await asyncio.gather(send(client), send(client))
        await peer.gone.wait()
        assert peer.connections == 2


async def test_an_old_connection_is_not_trusted(monkeypatch):
    peer = Peer()
    async with peer.reached() as client:
        await send(client)
        monkeypatch.setattr(http_connections, "KEEP_ALIVE_SECONDS", 0.0)
        assert await send(client) == b"{}"
    assert peer.connections == 2


async def test_a_connection_that_cannot_be_made_in_time(monkeypatch):
    monkeypatch.setattr(http_connections, "CONNECT_SECONDS", 0.02)
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "create_connection", lambda *_, **__: asyncio.sleep(60))
    client = HttpSubgraphClient("http://subgraph.test/")
    with pytest.raises(SubgraphUnavailable, match="cannot be reached"):
        await send(client)
    await client.close()


async def test_closing_ends_what_is_under_way():
    peer = Peer()
    peer.gate = asyncio.Event()
    async with peer.reached() as client:
        task = asyncio.create_task(send(client, repeatable=True))
        await peer.asked.wait()
        await client.close()
        with pytest.raises(SubgraphUnavailable):
            await task
        with pytest.raises(SubgraphUnavailable, match="no longer"):
            await send(client)
        peer.gate.set()


async def test_an_answer_before_the_request_has_left():
    """What is left of the request would be read as the beginning of the next one."""

    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await done.wait()
        writer.transport.abort()

    done = asyncio.Event()
    server = await asyncio.start_server(refuse, "127.0.0.1", 0, limit=1024)
    client = HttpSubgraphClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert await send(client, b"x" * 20_000_000) == b"{}"
    assert client._pool is not None
    assert not client._pool._idle
    done.set()
    await client.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/graphql",
        "ftp://a/b",
        "http://",
        "http://user:secret@a/",
        "http://a:99999/",
        "http://[",
    ],
)
async def test_an_address_that_is_none(url):
    client = HttpSubgraphClient(url)
    with pytest.raises(SubgraphUnavailable, match="address") as raised:
        await send(client)
    assert "secret" not in str(raised.value)
    await client.close()


@contextmanager
def certificate_of(name: str, folder):
    """A server's context and the one that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    general = x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([general]), critical=False)
        .sign(key, SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(path)
    yield server, ssl.create_default_context(cafile=path)


async def test_tls(tmp_path):
    peer = Peer()
    with certificate_of("127.0.0.1", tmp_path) as (tls, trust):
        async with peer.reached(tls=tls, scheme="https", trust=trust) as client:
            assert [await send(client) for _ in range(2)] == [b"{}"] * 2
    assert peer.connections == 1


@pytest.mark.parametrize("known", [True, False])
async def test_a_certificate_has_to_hold(tmp_path, known):
    """One of another name, and one of an issuer that nobody knows."""
    peer = Peer()
    name = "elsewhere.test" if known else "127.0.0.1"
    with certificate_of(name, tmp_path) as (tls, trust):
        trusted = trust if known else None
        async with peer.reached(tls=tls, scheme="https", trust=trusted) as client:
            with pytest.raises(SubgraphUnavailable, match="reached"):
                await send(client)
    assert peer.requests == []


async def test_only_the_head_of_the_last_answer_offers_headers():
    interim = b"HTTP/1.1 103 Early Hints\r\nx-cost: 1\r\n\r\n"
    trailers = response(CHUNKED, b"X-Cost: 2", body=b"2\r\n{}\r\n0\r\nx-cost: 3\r\n\r\n")
    sink = HeaderSink({b"x-cost"})
    async with Peer([interim, trailers]).reached() as client:
        await client.send(b"{}", (), 5.0, sink=sink)
    assert sink.headers == [(b"x-cost", b"2")]
