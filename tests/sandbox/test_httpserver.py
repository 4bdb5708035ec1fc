"""Bytes on the wire, good and bad."""

import asyncio
import re

import pytest

from sandbox.httpserver import MAX_BODY, Delivery, Listener, Response


@pytest.fixture
def arrived():
    """Set once a request is being left to wait."""
    return asyncio.Event()


@pytest.fixture
async def echo(arrived):
    """Answers with method, path, query and body, as `?deliver=` says."""

    async def respond(request):
        if request.path == "/hang":
            arrived.set()
            await asyncio.Event().wait()
        text = f"{request.method} {request.path} {request.query} {request.body.decode()}"
        delivery = Delivery[request.query.removeprefix("deliver=") or "WHOLE"]
        return Response(200, text.encode(), "text/plain", delivery=delivery)

    listener = Listener(respond)
    await listener.open(0)
    yield listener
    await listener.close()


async def talk(listener, *pieces):
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


CLOSE = b"connection: close\r\n\r\n"


async def test_answers_with_a_length_and_closes_when_asked(echo):
    said = await talk(echo, b"GET /a?deliver=WHOLE HTTP/1.1\r\nhost: x\r\n" + CLOSE)
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: %d" % len(body) in head
    assert b"connection: close" in head
    assert body == b"GET /a deliver=WHOLE "


async def test_a_connection_is_kept_and_requests_answered_in_order(echo):
    one = b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n"
    last = b"GET /9 HTTP/1.1\r\nhost: x\r\n" + CLOSE
    said = await talk(echo, one % 1 + one % 2 + last)
    assert re.findall(rb"GET /(\d)", said) == [b"1", b"2", b"9"]


async def test_a_body_may_come_in_pieces_or_chunks(echo):
    head = b"POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n" + CLOSE
    assert (await talk(echo, head, b"abc", b"def")).endswith(b"abcdef")
    head = b"POST /p HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n" + CLOSE
    assert (await talk(echo, head + b"3\r\nabc\r\n", b"3\r\ndef\r\n0\r\n\r\n")).endswith(b"abcdef")


async def test_a_client_that_waits_for_leave_gets_it(echo):
    head = b"POST /p HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1\r\n" + CLOSE
    assert (await talk(echo, head, b"z")).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client hello\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (MAX_BODY + 2)
        + b"x" * (MAX_BODY + 1),
    ],
)
async def test_refuses_what_it_cannot_or_will_not_read(echo, nonsense):
    assert (await talk(echo, nonsense)).startswith(b"HTTP/1.1 400")


async def test_a_cut_answer_announces_more_than_it_brings(echo):
    said = await talk(echo, b"GET /a?deliver=CUT HTTP/1.1\r\nhost: x\r\n\r\n")
    head, _, body = said.partition(b"\r\n\r\n")
    announced = int(re.search(rb"content-length: (\d+)", head)[1])
    assert 0 < len(body) < announced


async def test_a_reset_is_no_orderly_end(echo):
    with pytest.raises(ConnectionResetError):
        await talk(echo, b"GET /a?deliver=RESET HTTP/1.1\r\nhost: x\r\n\r\n")


async def test_a_bug_is_an_answer_and_no_silence(caplog):
    async def respond(_):
        raise AssertionError("a bug")

    listener = Listener(respond)
    await listener.open(0)
    said = await talk(listener, b"GET / HTTP/1.1\r\nhost: x\r\n" + CLOSE)
    assert said.startswith(b"HTTP/1.1 500")
    assert "an answer failed" in caplog.text
    await listener.close()


async def test_a_closed_port_refuses_and_comes_back_under_its_number(echo):
    port = echo.port
    await echo.close()
    with pytest.raises(ConnectionRefusedError):
        await talk(echo, b"")
    await echo.open()
    assert echo.port == port
    assert (await talk(echo, b"GET / HTTP/1.1\r\nhost: x\r\n" + CLOSE)).startswith(b"HTTP/1.1 200")


async def test_closing_drops_who_is_connected_and_waiting(echo, arrived):
    waiting = asyncio.ensure_future(talk(echo, b"GET /hang HTTP/1.1\r\nhost: x\r\n\r\n"))
    await arrived.wait()
    await echo.close()
    answers = await asyncio.gather(waiting, return_exceptions=True)
    assert answers == [b""] or isinstance(answers[0], ConnectionResetError)
