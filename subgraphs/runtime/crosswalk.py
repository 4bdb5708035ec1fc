"""The crosswalk: `Patient.links`, the sealed list of a person's ids in every source.

Identity seals it, the other subgraphs open it (`@requires(fields: "links")`). It is bound to the
enterprise id it was issued for, so one patient's links cannot be presented with another's id. It
tells where a person's records are; it proves no authorization.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from subgraphs.runtime.sealing import Seal


class Link(NamedTuple):
    """A person's Patient resource in one source."""

    source: str
    id: str


class Crosswalk:
    def __init__(self, key: bytes) -> None:
        self._seal = Seal(key)

    def seal_links(self, patient: str, links: Iterable[Link]) -> str:
        return self._seal.seal(f"links:{patient}", msgspec.json.encode(sorted(set(links))))

    def open_links(self, patient: str, text: str) -> tuple[Link, ...] | None:
        """The links in order of source and id, or None when they are not this patient's."""
        plaintext = self._seal.open(f"links:{patient}", text)
        if plaintext is None:
            return None
        return msgspec.json.decode(plaintext, type=tuple[Link, ...])
