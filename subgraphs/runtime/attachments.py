"""Documents as published: what they are, and under a scope and a bound of its own their content.

The content is fetched when somebody asks for it, after the access decision on the document; the
label that a source put on the content itself closes it too.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import Cost

from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.fhir.binary import Binary
from subgraphs.runtime import fhir
from subgraphs.runtime.errors import SourcesDownError
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import Tokens, scopes_for

DOCUMENT: Final = "DocumentReference"
"""The type whose scopes open content, whatever record it is attached to."""
DEFAULT_BYTES: Final = 1_000_000
MAX_BYTES: Final = 8_000_000


class Contents(Protocol):
    """The part of a source that has documents."""

    async def contents(self, urls: Sequence[str]) -> Mapping[str, Binary]:
        """What lies at these URLs of the source; what it lacks is left out."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """The content as a record of its own, as the access decision sees it."""

    fact: Fact[Any]
    """What it is attached to."""
    own: frozenset[str] = frozenset()
    """Labels that its source put on the content itself."""

    @property
    def type(self) -> str:
        return DOCUMENT

    @property
    def tokens(self) -> Tokens:
        return self.fact.tokens if self.fact.type == DOCUMENT else {}

    @property
    def labels(self) -> frozenset[str]:
        return self.fact.labels | self.own

    @property
    def sources(self) -> frozenset[str]:
        return self.fact.sources

    @property
    def subjects(self) -> frozenset[str]:
        return self.fact.subjects


@federation.type(shareable=True, description="What a document says, byte for byte.")
class AttachmentContent:
    content_type: str | None = strawberry.field(description="Its media type: `application/pdf`.")
    size: int = strawberry.field(description="In bytes.")
    text: str | None = strawberry.field(
        description="As text, where its media type is one and it is UTF-8. It is a source's: "
        "escape it before you show it."
    )
    base64: str | None = strawberry.field(
        description="The bytes in base64; null, as `text` is, where they are more than `maxBytes`."
    )

    @classmethod
    def of(cls, content_type: str | None, data: bytes, most: int) -> AttachmentContent:
        fits = len(data) <= most
        return cls(
            content_type=content_type,
            size=len(data),
            text=_text(content_type, data) if fits else None,
            base64=base64.b64encode(data).decode() if fits else None,
        )


@federation.type(
    shareable=True,
    description="A document or a part of one. https://hl7.org/fhir/R4/datatypes.html#Attachment",
)
class Attachment:
    content_type: str | None = strawberry.field(
        description="Its media type: `application/pdf`, `text/plain; charset=utf-8`."
    )
    language: str | None = strawberry.field(description="BCP 47: `en-US`.")
    title: str | None = strawberry.field(description="What it is called.")
    url: str | None = strawberry.field(
        description="Where its source keeps it, for who has an account there: `content` needs none."
    )
    size: int | None = strawberry.field(description="In bytes, if told.")
    hash: str | None = strawberry.field(description="SHA-1 of the content, base64, if told.")
    created: DateTime | None = strawberry.field(description="When it was made.")
    wire: strawberry.Private[fhir.Attachment]
    source: strawberry.Private[str]
    fact: strawberry.Private[Fact[Any]]

    @federation.field(
        directives=[Cost(weight=20)],
        requires_scopes=scopes_for(DOCUMENT),
        description="The content, by a read of its own; null where its source has none, where it "
        "lies elsewhere, and where it is not the caller's to see.",
    )
    async def content(
        self,
        info: strawberry.Info,
        max_bytes: Annotated[
            int,
            strawberry.argument(
                description="The most you take, in bytes, at most 8,000,000: of a larger content "
                "the `size` alone is told."
            ),
        ] = DEFAULT_BYTES,
    ) -> AttachmentContent | None:
        request: Request[Mapping[str, Contents]] = info.context
        whose, document = self.fact.compartment, Document(self.fact)
        access = request.access
        if not (access.may_read(DOCUMENT, whose) and access.permits(document, whose)):
            return None
        found = _inline(self.wire) or await self._fetched(request)
        if found is None:
            return None
        content_type, data = found
        return AttachmentContent.of(content_type, data, min(max_bytes, MAX_BYTES))

    async def _fetched(
        self, request: Request[Mapping[str, Contents]]
    ) -> tuple[str | None, bytes] | None:
        source = request.services[self.source]

        async def batch(urls: list[str]) -> list[Binary | None]:
            found = await source.contents(urls)
            return [found.get(url) for url in urls]

        if not self.wire.url:
            return None
        try:
            binary = await request.load(("contents", self.source), batch, self.wire.url)
        except UpstreamError as failure:
            states = [(self.source, failure.state)]
            raise SourcesDownError(states, failure.retry_after) from None
        if binary is None:
            return None
        document = Document(self.fact, binary.labels)
        if not request.access.permits(document, self.fact.compartment):
            return None
        return self.wire.content_type or binary.content_type, binary.data

    @classmethod
    def of(cls, wire: fhir.Attachment, source: str, fact: Fact[Any]) -> Attachment:
        return cls(
            content_type=wire.content_type,
            language=wire.language,
            title=wire.title,
            url=wire.url,
            size=wire.size,
            hash=wire.hash,
            created=date_time(wire.creation),
            wire=wire,
            source=source,
            fact=fact,
        )


def _inline(wire: fhir.Attachment) -> tuple[str | None, bytes] | None:
    """What came with the record; None where it is no base64 either."""
    if wire.data is None:
        return None
    try:
        return wire.content_type, base64.b64decode(wire.data, validate=True)
    except (binascii.Error, ValueError):
        return None


def _text(content_type: str | None, data: bytes) -> str | None:
    kind = (content_type or "").partition(";")[0].strip().lower()
    if not (kind.startswith("text/") or kind.endswith(("+xml", "/xml", "+json", "/json"))):
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
