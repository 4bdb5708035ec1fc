"""Media types: what a client sent, and which of ours it wants back.

https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types
"""

from __future__ import annotations

from functools import lru_cache

from contract.errors import Code
from gateway.errors import RequestError

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"

_OFFERS = (GRAPHQL_RESPONSE, JSON)
_UTF_8 = frozenset({"utf-8", "utf8"})


@lru_cache(maxsize=256)
def choose_media_type(accept: str | None) -> str:
    """JSON where the client does not say, or wants nothing that we have: it can read the error."""
    if accept is None:
        return JSON
    wanted = [_read_range(part) for part in accept.split(",")]
    offered = [(quality, offer) for name, quality in wanted if quality and (offer := _offer(name))]
    # Where a client takes both equally well, the one made for us.
    return (
        max(offered, key=lambda each: (each[0], each[1] == GRAPHQL_RESPONSE))[1]
        if offered
        else JSON
    )


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


def _read_range(text: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media_type, _quality(value)
        if name.strip() == "charset" and value.strip().strip('"') not in _UTF_8:
            return media_type, 0.0
    return media_type, 1.0


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
