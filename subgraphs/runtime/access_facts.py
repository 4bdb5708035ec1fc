"""AccessFacts: what the access decision needs to know and only other subgraphs know.

Identity tells who a person is, governance what that person has directed: in the same process as
objects, from elsewhere each by one signed HTTP call. Whoever cannot learn the facts denies: a
failure is raised, never read as "no restriction".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar
from uuid import uuid4

import httpx2
import msgspec

from contract.context import HEADER, Context, body_hash, sign_context
from contract.errors import Code
from subgraphs.runtime.consent import Directives
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError

AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)

AUDIENCE = "access-facts"
PATH = "/access-facts"
_TIMEOUT = 5.0


class Person(msgspec.Struct, frozen=True):
    """Someone the index knows: the enterprise id, every link and the date of birth."""

    id: str
    links: tuple[Link, ...]
    born: str | None = None


LinkSet: TypeAlias = tuple[Link, ...]
"""All of one person's links."""


class Persons(Protocol):
    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        """The person behind each source patient; leaves out whom the index does not know."""
        ...


class AccessFacts(Persons, Protocol):
    async def directives(self, link_sets: list[LinkSet]) -> list[Directives]:
        """What each of these people has directed, in their order."""
        ...


class Directed(Protocol):
    async def directives(self, link_sets: list[LinkSet]) -> list[Directives]: ...


@dataclass(frozen=True, slots=True)
class JoinedFacts:
    """Access facts of which different subgraphs know a part."""

    known: Persons
    directed: Directed

    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        return await self.known.persons(members)

    async def directives(self, link_sets: list[LinkSet]) -> list[Directives]:
        return await self.directed.directives(link_sets)


class Question(msgspec.Struct, frozen=True):
    members: tuple[Link, ...]


class Facts(msgspec.Struct, frozen=True):
    persons: tuple[tuple[Link, Person], ...]


class HttpPersons:
    """What identity tells, over HTTP."""

    def __init__(self, caller: SignedCalls) -> None:
        self._calls = caller

    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        facts = await self._calls.ask(PATH, Question(tuple(members)), Facts)
        return dict(facts.persons)


class SignedCalls:
    """Questions to another subgraph's port, signed like a request of the gateway."""

    def __init__(
        self, client: httpx2.AsyncClient, key: bytes, now: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._key = key
        self._now = now

    async def ask(self, path: str, question: msgspec.Struct, answer: type[AnswerT]) -> AnswerT:
        """Raises `ClientError` where it is not answered."""
        body = msgspec.json.encode(question)
        context = Context(AUDIENCE, body_hash(body), int(self._now()), request_id=uuid4().hex)
        headers = {HEADER: sign_context(context, self._key), "content-type": "application/json"}
        try:
            response = await self._client.post(
                path, content=body, headers=headers, timeout=_TIMEOUT
            )
            response.raise_for_status()
            return msgspec.json.decode(response.content, type=answer)
        except (httpx2.HTTPError, msgspec.MsgspecError):
            raise ClientError(Code.SUBGRAPH_UNAVAILABLE, retryable=True) from None
