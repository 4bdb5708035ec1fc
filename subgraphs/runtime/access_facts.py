"""AccessFacts: what the access decision needs to know and only another subgraph knows.

Identity serves it: in the same process as an object, from elsewhere by one signed HTTP call.
Whoever cannot learn the facts denies: a failure is raised, never read as "no restriction".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from uuid import uuid4

import httpx2
import msgspec

from contract.context import HEADER, Context, body_hash, sign_context
from contract.errors import Code
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError

AUDIENCE = "access-facts"
PATH = "/access-facts"
_TIMEOUT = 5.0


class Person(msgspec.Struct, frozen=True):
    """Someone the index knows: the enterprise id, every link and the date of birth."""

    id: str
    links: tuple[Link, ...]
    born: str | None = None


class AccessFacts(Protocol):
    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        """The person behind each source patient; leaves out whom the index does not know."""
        ...


class Question(msgspec.Struct, frozen=True):
    members: tuple[Link, ...]


class Facts(msgspec.Struct, frozen=True):
    persons: tuple[tuple[Link, Person], ...]


class HttpAccessFacts:
    """The port over HTTP, signed like a request of the gateway."""

    def __init__(
        self, client: httpx2.AsyncClient, key: bytes, now: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._key = key
        self._now = now

    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        body = msgspec.json.encode(Question(tuple(members)))
        context = Context(AUDIENCE, body_hash(body), int(self._now()), request_id=uuid4().hex)
        headers = {HEADER: sign_context(context, self._key), "content-type": "application/json"}
        try:
            response = await self._client.post(
                PATH, content=body, headers=headers, timeout=_TIMEOUT
            )
            response.raise_for_status()
            facts = msgspec.json.decode(response.content, type=Facts)
        except (httpx2.HTTPError, msgspec.MsgspecError):
            raise ClientError(Code.SUBGRAPH_UNAVAILABLE, retryable=True) from None
        return dict(facts.persons)
