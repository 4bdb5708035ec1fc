"""The inbox as a source: the searches of a FHIR server that the subgraphs use, over the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from subgraphs.connectors.as_fhir import AsFhir
from subgraphs.connectors.inbox.delivery import PATIENT
from subgraphs.connectors.inbox.settings import InboxSource
from subgraphs.connectors.inbox.store import InboxStore
from subgraphs.connectors.searched import Resource, Rows

PAGE: Final = 500
BY_NUMBER: Final = "practitioner:identifier"
"""https://hl7.org/fhir/R4/search.html#reference: by an identifier of whom it names."""


class Inbox(AsFhir[InboxSource]):
    """One per source; it never fails, for what it knows is here. What is pushed contains what it
    refers to."""

    settings = InboxSource

    def __init__(self, config: InboxSource, store: InboxStore) -> None:
        self.config = config
        self._store = store

    async def probe(self) -> tuple[str, ...]:
        """Nobody is asked: it tells us."""
        return ("HL7 v2 ADT, ORU, SIU", "C-CDA", "X12 837, 835, 277")

    async def by_patient(self, resource_type: str, patients: Sequence[str]) -> Rows:
        return await self._store.by_patient(self.config.id, resource_type, patients)

    async def by_id(self, resource_type: str, ids: Sequence[str]) -> dict[str, Resource]:
        return await self._store.by_id(self.config.id, resource_type, ids)

    async def search_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> tuple[Rows, list[Resource]]:
        if param != BY_NUMBER:
            return await super().search_including(resource_type, param, keys, others)
        asked = list(dict.fromkeys(keys))
        return await self._store.by_named(self.config.id, resource_type, asked), []

    async def people(self, after: str) -> tuple[list[Resource], str]:
        page = await self._store.page(self.config.id, PATIENT, after, PAGE)
        return page, page[-1]["id"] if page else ""
