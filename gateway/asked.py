"""What a transport hands to the pipeline, and what it gets back."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import msgspec

from gateway.departure import Departure
from gateway.documents.prepare import Document
from gateway.documents.request import GraphQLRequest
from gateway.execution.client import Headers
from gateway.operation.tree import Operation

Payloads: TypeAlias = AsyncGenerator[bytes, None]
"""Encoded GraphQL payloads, each audited before it is yielded; `aclose` ends all that feeds them.

A `GatewayError` raised by it ends the stream, and is for the transport to render."""


class Incremental(StrEnum):
    """How a client takes the parts of an answer that are deferred."""

    NONE = "none"
    """Not at all: everything is answered at once."""
    CURRENT = "current"
    """`pending`, `incremental` with ids, `completed`: the specification's present draft."""
    APOLLO_2022 = "apollo-2022"
    """`incremental` with paths: the draft of August 2022, which Apollo's clients ask for."""


class Asked(msgspec.Struct, frozen=True):
    """A request with all that came along beside its body.

    A Struct, as all that is made anew for each request: a frozen dataclass takes five times
    as long.
    """

    request: GraphQLRequest
    authorization: str | None = None
    headers: Headers = ()
    """Those that are propagated to the subgraphs."""
    certificate: str | None = None
    """The thumbprint of the one the client showed."""
    incremental: Incremental = Incremental.NONE
    subscribes: bool = False
    """Whether the transport can carry the events of a subscription."""
    departure: Departure | None = None
    """Tells when the client hangs up, where the server can."""


@dataclass(frozen=True, slots=True)
class Selected:
    """The one operation that is to run."""

    document: Document
    operation: Operation
    in_parts: bool = False
    """Whether what it defers is to be delivered later."""
