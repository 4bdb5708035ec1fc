"""Run a FHIR search and walk its pages.

The server owns the cursor: a Bundle's `next` link is opaque and may soon expire, so it
is followed as given and never rebuilt. https://hl7.org/fhir/R4/http.html#paging
Tokens, retries and HTTP status codes are the business of `connectors.transport`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import httpx2
import msgspec

from subgraphs.connectors.errors import ProtocolViolation

Resource: TypeAlias = dict[str, Any]
"""As it came, except that every number with a fraction is a Decimal: 72.50 stays 72.50."""

Params: TypeAlias = Mapping[str, str | Sequence[str]]
"""Search parameters; one with several values is sent several times, which means *and*."""

MAX_PAGES = 100

# A server that does not know a parameter is to say so, not to leave it out: without the code it
# would give every observation, without the order not the last one.
# https://hl7.org/fhir/R4/search.html#errors
STRICT = {"Prefer": "handling=strict"}


async def search(
    client: httpx2.AsyncClient, resource_type: str, params: Params, *, max_pages: int = MAX_PAGES
) -> AsyncIterator[SearchPage]:
    """Yield the pages of a search, fetching each only once the caller asks for it."""
    first = await first_page(client, resource_type, params)
    async for page in walk(client, first, max_pages=max_pages):
        yield page


async def first_page(client: httpx2.AsyncClient, resource_type: str, params: Params) -> SearchPage:
    # Search parameters are PHI: in a form body they stay out of every proxy's URL log.
    request = client.build_request(
        "POST", f"{resource_type}/_search", data=dict(params), headers=STRICT
    )
    return read_page((await client.send(request)).content)


async def walk(
    client: httpx2.AsyncClient, page: SearchPage, *, max_pages: int = MAX_PAGES
) -> AsyncIterator[SearchPage]:
    """Yield a page that is already here and those that follow it."""
    for _ in range(max_pages):
        yield page
        if page.next_link is None:
            return
        answer = await client.send(client.build_request("GET", _own_url(client, page.next_link)))
        page = read_page(answer.content)
    raise ProtocolViolation(f"a search did not end within {max_pages} pages")


class Link(msgspec.Struct, frozen=True):
    relation: str
    url: str


class Search(msgspec.Struct, frozen=True):
    # An entry that does not say why it is here is a match.
    mode: str = "match"


class Entry(msgspec.Struct, frozen=True):
    resource: Resource
    search: Search = Search()


class SearchPage(msgspec.Struct, frozen=True):
    """What paging needs of a Bundle; the resources are left as they came."""

    type: Literal["searchset"]
    entry: tuple[Entry, ...] = ()
    link: tuple[Link, ...] = ()

    def resources(self, mode: str = "match") -> list[Resource]:
        """The matches, or what `_include` or `_revinclude` brought along with them."""
        return [entry.resource for entry in self.entry if entry.search.mode == mode]

    @property
    def next_link(self) -> str | None:
        return next((link.url for link in self.link if link.relation == "next"), None)


def read_resource(content: bytes) -> Resource:
    try:
        resource: Resource = _RESOURCE.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProtocolViolation("the source's answer is not a resource") from None
    return resource


def read_page(content: bytes) -> SearchPage:
    try:
        return _PAGE.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # `from None`, because the decoder's message may quote what it read: PHI.
        raise ProtocolViolation("a search was not answered with a searchset") from None


_PAGE = msgspec.json.Decoder(SearchPage, float_hook=Decimal)
_RESOURCE = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def _own_url(client: httpx2.AsyncClient, link: str) -> httpx2.URL:
    base, url = client.base_url, client.base_url.join(link)
    if (url.scheme, url.netloc) != (base.scheme, base.netloc):
        # Following it would hand our access token to someone else's server.
        raise ProtocolViolation("a next link leads to another server")
    return url
