"""HTTP/1.1 as it comes off a socket: in pieces, in a row, and not at all."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.__main__ import server_config
from gateway.app import create_app
from gateway.http.protocol import SHORT_BYTES
from gateway.settings import Settings
from tests.gateway.support.server import served
from tests.gateway.support.subgraph import SUPERGRAPH

BODY = b'{"query":"{ __typename }"}'
ANSWER = {"data": {"__typename": "Query"}}
KEEP_ALIVE = 0.3


@pytest.fixture
async def connect(tmp_path):
    (tmp_path / "supergraph.graphql").write_text(SUPERGRAPH)
    supergraph = tmp_path / "supergraph.graphql"
    settings = Settings(supergraph=supergraph, dev=True, home=tmp_path, max_body_bytes=1_000_000)
    app = create_app(settings)
    config = server_config(app, app.settings, log_level="error", timeout_keep_alive=KEEP_ALIVE)
    writers = []
    async with served(app, config) as url:

        async def open_connection():
            host, port = url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writers.append(writer)
            return reader, writer

        yield open_connection
        for writer in writers:
            writer.close()


def post(body=BODY, *headers, version="1.1"):
    lines = (
        f"POST /graphql HTTP/{version}",
        "Host: localhost",
        "Content-Type: application/json",
        *headers,
    )
    return "\r\n".join([*lines, "", ""]).encode() + body


def sized(body=BODY, *headers):
    return post(body, f"Content-Length: {len(body)}", *headers)


async def read(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers["content-length"]))
    return int(head[0].split()[1]), headers, json.loads(body)


async def test_requests_one_after_another_on_one_connection(connect):
    reader, writer = await connect()
    for _ in range(3):
        writer.write(sized())
        status, headers, answer = await read(reader)
        assert (status, answer) == (200, ANSWER)
        assert {"x-request-id", "cache-control"} <= headers.keys()


async def test_requests_that_do_not_wait_are_answered_in_their_order(connect):
    reader, writer = await connect()
    unknown = json.dumps({**json.loads(BODY), "operationName": "A"}).encode()
    writer.write(sized(unknown) + sized())
    first, second = await read(reader), await read(reader)
    assert first[2]["errors"][0]["extensions"]["code"] == "OPERATION_RESOLUTION_FAILURE"
    assert second[2] == ANSWER


async def test_a_request_in_pieces(connect):
    reader, writer = await connect()
    for byte in sized():
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    assert (await read(reader))[2] == ANSWER


@pytest.mark.parametrize("length", [SHORT_BYTES, SHORT_BYTES + 1, 4 * SHORT_BYTES])
async def test_short_and_long_bodies_are_taken_alike(connect, length):
    reader, writer = await connect()
    writer.write(sized(BODY + b" " * (length - len(BODY))))
    assert (await read(reader))[2] == ANSWER
    writer.write(sized())
    assert (await read(reader))[2] == ANSWER


async def test_a_body_in_chunks(connect):
    reader, writer = await connect()
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    writer.write(post(chunks, "Transfer-Encoding: chunked"))
    assert (await read(reader))[2] == ANSWER


async def test_a_client_that_waits_to_be_asked_for_its_body(connect):
    reader, writer = await connect()
    writer.write(sized(BODY, "Expect: 100-continue")[: -len(BODY)])
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(BODY)
    assert (await read(reader))[2] == ANSWER


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(sized(BODY, "Connection: close"), id="a client that says so"),
        pytest.param(post(BODY, f"Content-Length: {len(BODY)}", version="1.0"), id="HTTP/1.0"),
    ],
)
async def test_the_connection_is_closed_for(connect, request_):
    reader, writer = await connect()
    writer.write(request_)
    assert (await read(reader))[2] == ANSWER
    assert await reader.read() == b""


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not(connect):
    reader, writer = await connect()
    for _ in range(4):
        writer.write(sized())
        assert (await read(reader))[2] == ANSWER
        await asyncio.sleep(KEEP_ALIVE / 2)
    assert await reader.read() == b""


@pytest.mark.parametrize(
    "lengths", [("Content-Length: 5", "Content-Length: 26"), ("Content-Length: x",)]
)
async def test_lengths_that_make_no_sense_are_refused(connect, lengths):
    reader, writer = await connect()
    writer.write(post(BODY, *lengths))
    assert (await reader.readline()).startswith(b"HTTP/1.1 400")


async def test_a_length_beside_chunks_is_refused(connect):
    reader, writer = await connect()
    writer.write(post(BODY, f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked"))
    assert (await reader.readline()).startswith(b"HTTP/1.1 400")
