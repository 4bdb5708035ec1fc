"""Media types: what a client sent, and which of ours it wants back.

https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from contract.errors import Code
from contract.event_stream import MEDIA_TYPE as EVENT_STREAM
from gateway.asked import Incremental
from gateway.errors import RequestError

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
MULTIPART = "multipart/mixed"
SUBSCRIPTION_SPEC = "1.0"

_OFFERS = (GRAPHQL_RESPONSE, JSON)
_UTF_8 = frozenset({"utf-8", "utf8"})


class Stream(StrEnum):
    """How an answer of several payloads is sent."""

    EVENTS = "events"
    """https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode"""
    PARTS = "parts"
    """https://github.com/graphql/graphql-over-http/blob/main/rfcs/IncrementalDelivery.md"""
    SUBSCRIPTION_PARTS = "subscription-parts"
    """https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a client takes, the best of each kind."""

    media_type: str
    """Of an answer in one piece, or of an error."""
    stream: Stream | None = None
    """Of an answer in several."""
    incremental: Incremental = Incremental.NONE
    only_stream: bool = False
    """Whether it takes nothing in one piece."""

    @property
    def subscribes(self) -> bool:
        return self.stream in (Stream.EVENTS, Stream.SUBSCRIPTION_PARTS)


ONE_ANSWER: Final = Accepted(JSON)


@lru_cache(maxsize=256)
def negotiate(accept: str | None) -> Accepted:
    """JSON where the client does not say, or wants nothing that we have: it can read the error."""
    if accept is None:
        return ONE_ANSWER
    ranges = [_read_range(part) for part in accept.split(",")]
    taken = [each for each in ranges if each.quality]
    single = [(each.quality, offer) for each in taken if (offer := _offer(each.media_type))]
    streams = [(each.quality, kind) for each in taken if (kind := _offer_stream(each))]
    # Where a client takes both equally well, the one made for us.
    media_type = max(single, key=lambda each: (each[0], each[1] == GRAPHQL_RESPONSE), default=None)
    if not streams:
        return Accepted(media_type[1] if media_type else JSON)
    quality = max(each[0] for each in streams)
    stream, incremental = next(offer for each, offer in streams if each == quality)
    if media_type is None:
        return Accepted(GRAPHQL_RESPONSE, stream, incremental, only_stream=True)
    return Accepted(media_type[1], stream, incremental)


@lru_cache(maxsize=256)
def check_content_type(content_type: str | None, content_encoding: str | None) -> None:
    """Only JSON in UTF-8: any other type that a browser sends unasked must not reach us.

    Raises `RequestError`; a missing type is not supported either, for we would have to guess.
    """
    media_type, _, parameters = (content_type or "").partition(";")
    charset = _charset(parameters)
    if media_type.strip().lower() != JSON or (charset and charset not in _UTF_8):
        raise RequestError(Code.UNSUPPORTED_MEDIA_TYPE)
    if (content_encoding or "identity").strip().lower() != "identity":
        raise RequestError(Code.UNSUPPORTED_MEDIA_TYPE)


def _offer(media_type: str) -> str | None:
    if media_type in _OFFERS:
        return media_type
    return JSON if media_type in ("*/*", "application/*") else None


def _offer_stream(wanted: _Range) -> tuple[Stream, Incremental] | None:
    if wanted.media_type == EVENT_STREAM:
        return Stream.EVENTS, Incremental.CURRENT
    if wanted.media_type != MULTIPART:
        return None
    if "subscriptionspec" in wanted.parameters:
        known = wanted.parameters["subscriptionspec"] == SUBSCRIPTION_SPEC
        return (Stream.SUBSCRIPTION_PARTS, Incremental.NONE) if known else None
    match wanted.parameters.get("deferspec"):
        case None:
            return Stream.PARTS, Incremental.CURRENT
        case "20220824":
            return Stream.PARTS, Incremental.APOLLO_2022
    return None


@dataclass(frozen=True, slots=True)
class _Range:
    """https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1, in small letters."""

    media_type: str
    quality: float
    parameters: Mapping[str, str]


def _read_range(text: str) -> _Range:
    media_type, *given = (part.strip().lower() for part in text.split(";"))
    pairs = (parameter.partition("=") for parameter in given)
    parameters = {name.strip(): value.strip().strip('"') for name, _, value in pairs}
    quality = _quality(parameters.get("q", "1"))
    if parameters.get("charset", "utf-8") not in _UTF_8:
        quality = 0.0
    return _Range(media_type, quality, parameters)


def _quality(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def _charset(parameters: str) -> str | None:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower() or "none"
    return None
