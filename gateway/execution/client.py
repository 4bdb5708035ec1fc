"""How the gateway talks to a subgraph: bytes out, bytes back, and two ways to fail.

    SubgraphError
    ├── SubgraphUnavailable      no answer: it may come later
    └── SubgraphInvalidResponse  an answer that is none: its developers must look into it

Messages are for the log; they quote neither the request nor the answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, TypeAlias

from contract.errors import Code

MAX_RESPONSE_BYTES = 32 * 1024 * 1024
ACCEPT_ANSWER = "application/graphql-response+json, application/json;q=0.9"

Headers: TypeAlias = Sequence[tuple[str, str]]
Events: TypeAlias = AsyncGenerator[bytes, None]


class SubgraphError(Exception):
    code: ClassVar[Code]
    retryable: ClassVar[bool]


class SubgraphUnavailable(SubgraphError):
    code = Code.SUBGRAPH_UNAVAILABLE
    retryable = True


class SubgraphInvalidResponse(SubgraphError):
    code = Code.SUBGRAPH_INVALID_RESPONSE
    retryable = False


@dataclass(slots=True)
class HeaderSink:
    """Takes those headers of one answer that somebody wants."""

    names: Collection[bytes]
    """In small letters."""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    used: bool = False
    """Whether the answer they came with has been taken."""

    def offer(self, name: bytes, value: bytes) -> None:
        """`name` in small letters."""
        if name in self.names:
            self.headers.append((name, value))


class SubgraphClient(Protocol):
    """One subgraph, reached one way. It lives as long as the engine that holds it."""

    async def send(
        self,
        body: bytes,
        headers: Headers,
        timeout: float,  # noqa: ASYNC109 - each client bounds its own exchange
        *,
        repeatable: bool = False,
        sink: HeaderSink | None = None,
    ) -> bytes:
        """The body of a JSON answer, whatever its status; `timeout` is in seconds.

        A `repeatable` request does no harm if it arrives twice. The answer's headers are offered
        to the `sink`, if there is one.
        """
        ...

    def subscribe(self, body: bytes, headers: Headers, timeout: float) -> Events:
        """The answers of a subscription, one for each event, until either side ends it.

        The subgraph has to take it within `timeout` seconds; its events may come much later.
        Iterating raises SubgraphError; `aclose` tells the subgraph that nobody listens any more.
        """
        ...

    async def close(self) -> None: ...


def is_json(content_type: str) -> bool:
    """Whether a body so labelled may be a GraphQL answer.

    https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types
    """
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in {"application/json", "application/graphql-response+json"}


def refuse_status(status: int) -> SubgraphError:
    """The error for an answer that is not JSON."""
    if status >= 500:  # noqa: PLR2004 - the class of statuses that say the server is at fault
        return SubgraphUnavailable(f"answered with status {status}")
    return SubgraphInvalidResponse(f"answered with status {status} and no JSON")
