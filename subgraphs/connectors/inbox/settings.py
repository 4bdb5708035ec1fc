"""How an inbox is configured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from subgraphs.connectors.config import SearchedSource
from subgraphs.connectors.x12.settings import FiledPayer

INBOX = "inbox:"


class InboxSource(SearchedSource, frozen=True, kw_only=True, tag="inbox"):
    """What is pushed to us: it has no address to ask, and is read from the store it is kept in."""

    url: str = INBOX
    token_file: Path | None = None
    """What a sender shows as its bearer token; without it, only files are taken."""
    payers: dict[str, FiledPayer] = msgspec.field(default_factory=dict)
    """The payers of X12 files, each by its number there (NM109, N104), or by its name where a file
    gives no number."""

    def urls(self) -> Iterator[str]:
        return iter(())
