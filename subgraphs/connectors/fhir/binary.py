"""Read what documents consist of: Binary resources. https://hl7.org/fhir/R4/binary.html

A Binary has no search, so each is one read; whoever wants many gets them a few at a time. Only what
lies below the server's own base is read: a link to elsewhere would take our token there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import httpx2
import msgspec

from subgraphs.connectors.errors import ProtocolViolation, Rejected
from subgraphs.connectors.parallel import for_each

_ABSENT = frozenset({404, 410})


class Binary(msgspec.Struct, frozen=True):
    """`labels` are the codes of its security labels."""

    content_type: str | None
    data: bytes
    labels: frozenset[str]


async def fetch_binaries(
    client: httpx2.AsyncClient, base: str, urls: Iterable[str], *, at_a_time: int
) -> dict[str, Binary]:
    """The Binary behind each URL; one that is absent or lies elsewhere is left out."""
    own = {url: id_ for url in urls if (id_ := _own_id(base, url)) is not None}
    ids = sorted(set(own.values()))

    async def read(id_: str) -> Binary | None:
        return await _read(client, id_)

    found = dict(zip(ids, await for_each(ids, read, at_a_time=at_a_time), strict=True))
    return {url: binary for url, id_ in own.items() if (binary := found[id_]) is not None}


def _own_id(base: str, url: str) -> str | None:
    relative = url.removeprefix(base.rstrip("/") + "/").partition("/_history/")[0]
    type_, _, id_ = relative.partition("/")
    is_id = bool(id_) and id_.replace("-", "").replace(".", "").isalnum() and id_.strip(".") != ""
    return id_ if type_ == "Binary" and is_id else None


async def _read(client: httpx2.AsyncClient, id_: str) -> Binary | None:
    try:
        answer = await client.get(f"Binary/{id_}")
    except Rejected as error:
        if error.status in _ABSENT:
            return None
        raise
    try:
        wire = msgspec.json.decode(answer.content, type=_Binary)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProtocolViolation("a Binary was not answered with one") from None
    labels = frozenset(label.code for label in wire.meta.security if label.code)
    return Binary(wire.contentType, wire.data, labels)


class _Label(msgspec.Struct, frozen=True):
    code: str | None = None


class _Meta(msgspec.Struct, frozen=True):
    security: Sequence[_Label] = ()


class _Binary(msgspec.Struct, frozen=True, tag_field="resourceType", tag="Binary"):
    contentType: str | None = None  # noqa: N815 - FHIR's name
    data: bytes = b""
    meta: _Meta = _Meta()
