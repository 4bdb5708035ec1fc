"""The scenario's subgraphs in one process: `python -m bench.gateways.upstream`.

They must cost next to nothing beside a gateway, so each answer is worked out once and then given
again to whoever asks the same.
"""

from __future__ import annotations

import asyncio
from typing import cast

import httptools
import uvloop

from bench.gateways.scenario import PORT, answer
from bench.gateways.signing import KEYS_PATH, key_set

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_answers: dict[tuple[str, bytes], bytes] = {}


class Upstream(asyncio.Protocol):
    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._name = ""
        self._parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._name = url.decode().strip("/")

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        body = b"".join(self._parts)
        self._parts = []
        key = (self._name, body)
        if key not in _answers:
            text = key_set() if self._name == KEYS_PATH else answer(self._name, body)
            _answers[key] = _HEAD % len(text) + text
        self._transport.write(_answers[key])


async def _main() -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", PORT)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main())
