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


class Linked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the crosswalk tells of a person."""

    links: tuple[Link, ...]
    """In order of source and id."""
    born: str | None = None
    """The date of birth: some labels depend on the age."""


class RecordKey(msgspec.Struct, frozen=True):
    """What another subgraph needs of a fact to find what belongs to it: `Encounter.recordKey`."""

    patient: str
    """The enterprise id."""
    linked: Linked
    """The patient's, so that the compartment is checked where the fact's own facts are."""
    records: tuple[Link, ...]
    """The fact's records, by source and id, older versions too."""


class Crosswalk:
    def __init__(self, key: bytes) -> None:
        self._seal = Seal(key)

    def seal_links(self, patient: str, links: Iterable[Link], born: str | None = None) -> str:
        linked = Linked(tuple(sorted(set(links))), born)
        return self._seal.seal(f"links:{patient}", msgspec.json.encode(linked))

    def open_links(self, patient: str, text: str) -> Linked | None:
        """What was sealed, or None when it is not this patient's."""
        plaintext = self._seal.open(f"links:{patient}", text)
        return None if plaintext is None else msgspec.json.decode(plaintext, type=Linked)

    def seal_practitioner(self, id_: str, links: Iterable[Link]) -> str:
        """`Practitioner.links`: where a practitioner's records are.

        Bound to their own id and to what they are: a source may give a patient the same id.
        """
        linked = Linked(tuple(sorted(set(links))))
        return self._seal.seal(f"practitioner-links:{id_}", msgspec.json.encode(linked))

    def open_practitioner(self, id_: str, text: str) -> tuple[Link, ...] | None:
        """The practitioner's resource in each source, or None when it is not theirs."""
        plaintext = self._seal.open(f"practitioner-links:{id_}", text)
        return None if plaintext is None else msgspec.json.decode(plaintext, type=Linked).links

    def seal_record_key(self, id_: str, key: RecordKey) -> str:
        """Bound to the fact it was issued for, by its id."""
        return self._seal.seal(f"record:{id_}", msgspec.json.encode(key))

    def open_record_key(self, id_: str, text: str) -> RecordKey | None:
        plaintext = self._seal.open(f"record:{id_}", text)
        return None if plaintext is None else msgspec.json.decode(plaintext, type=RecordKey)
