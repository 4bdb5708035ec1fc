"""What a client asks for, taken out of its HTTP request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.bounds import OnDenial


@dataclass(frozen=True, slots=True)
class PersistedQuery:
    """The extension of automatic persisted queries."""

    version: int
    sha256: str


class GraphQLRequest(msgspec.Struct, frozen=True):
    """https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters"""

    query: str | None = None
    operation_name: str | None = None
    variables: Mapping[str, Any] = msgspec.field(default_factory=dict)
    document_id: str | None = None
    """Of a registered document: `documentId`, or Relay's `doc_id` and `id`."""
    persisted_query: PersistedQuery | None = None
    by_get: bool = False
    on_denial: OnDenial | None = None
    """As the client wants it for this request."""
