"""What the subgraphs search by patient. It answers in FHIR R4, whatever it speaks itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from subgraphs.connectors.config import SearchedSource
from subgraphs.connectors.connector import Connector
from subgraphs.connectors.fhir.binary import Binary

Resource: TypeAlias = dict[str, Any]
Rows: TypeAlias = dict[str, list[Resource]]
"""By what they were asked by; a key without rows has an empty list."""
SearchedT = TypeVar("SearchedT", bound=SearchedSource)


class Searched(Connector[SearchedT]):
    @abstractmethod
    async def search_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> tuple[Rows, list[Resource]]:
        """Every row of every key, and what an `_include` or `_revinclude` brought along."""

    @abstractmethod
    async def latest_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
        *,
        sort: str,
        per_key: int = 1,
    ) -> tuple[Rows, list[Resource]]:
        """The first `per_key` rows of each key in the order of `sort`, such as `-date`."""

    @abstractmethod
    async def read(self, resource_type: str, ids: Iterable[str]) -> dict[str, Resource]:
        """The resources of these ids; an id that is absent at the source is left out."""

    @abstractmethod
    async def contents(self, urls: Iterable[str]) -> dict[str, Binary]:
        """What documents consist of, by where their records say it lies."""

    @abstractmethod
    def crawl(self, resource_type: str) -> AsyncIterator[list[Resource]]:
        """Every resource of a type, page by page."""

    async def search_by(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> Rows:
        rows, _ = await self.search_including(resource_type, param, keys, others)
        return rows

    async def latest_by(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
        *,
        sort: str,
        per_key: int = 1,
    ) -> Rows:
        rows, _ = await self.latest_including(
            resource_type, param, keys, others, sort=sort, per_key=per_key
        )
        return rows
