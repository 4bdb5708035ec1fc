"""The inbox as a source: the searches of a FHIR server that the subgraphs use, over the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from subgraphs.connectors.config import InboxSource
from subgraphs.connectors.errors import Rejected
from subgraphs.connectors.fhir.binary import Binary
from subgraphs.connectors.inbox.store import InboxStore, Resource, sortable

Predicate: TypeAlias = Callable[[Resource], bool]

PAGE: Final = 500
_BRINGING: Final = frozenset({"_include", "_revinclude"})
_BAD_REQUEST: Final = 400
_DATES: Final = ("effectiveDateTime", "effectivePeriod", "start", "issued")
"""What `date` means, by whichever the resource has."""


class Inbox:
    """One per source; it never fails, for what it knows is here."""

    def __init__(self, config: InboxSource, store: InboxStore) -> None:
        self.config = config
        self._store = store

    async def read(self, resource_type: str, ids: Iterable[str]) -> dict[str, Resource]:
        return await self._store.by_id(self.config.id, resource_type, list(ids))

    async def search_by(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> dict[str, list[Resource]]:
        """Raises `Rejected` for parameters that are not known here, as a strict server does."""
        wanted, asked = list(_predicates(others or {})), list(keys)
        if param == "_id":
            found = await self.read(resource_type, asked)
            return {key: [found[key]] if key in found else [] for key in asked}
        if param != "patient":
            raise Rejected(_BAD_REQUEST, ("not-supported",))
        rows = await self._store.by_patient(self.config.id, resource_type, asked)
        return {
            key: [row for row in found if all(holds(row) for holds in wanted)]
            for key, found in rows.items()
        }

    async def search_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> tuple[dict[str, list[Resource]], list[Resource]]:
        """Nothing is brought along: what is pushed contains what it refers to."""
        return await self.search_by(resource_type, param, keys, _narrowing(others)), []

    async def contents(self, _urls: Iterable[str]) -> dict[str, Binary]:
        """None lies apart: what is pushed is whole."""
        return {}

    async def latest_by(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
        *,
        sort: str,
        per_key: int = 1,
    ) -> dict[str, list[Resource]]:
        if sort != "-date":
            raise Rejected(_BAD_REQUEST, ("not-supported",))
        rows = await self.search_by(resource_type, param, keys, others)
        return {
            key: sorted(found, key=_moment, reverse=True)[:per_key] for key, found in rows.items()
        }

    async def latest_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
        *,
        sort: str,
        per_key: int = 1,
    ) -> tuple[dict[str, list[Resource]], list[Resource]]:
        narrowing = _narrowing(others)
        found = await self.latest_by(
            resource_type, param, keys, narrowing, sort=sort, per_key=per_key
        )
        return found, []

    async def crawl(self, resource_type: str) -> AsyncIterator[list[Resource]]:
        after = ""
        while page := await self._store.page(self.config.id, resource_type, after, PAGE):
            yield page
            after = page[-1]["id"]


def _narrowing(others: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (others or {}).items() if name not in _BRINGING}


def _predicates(others: Mapping[str, Any]) -> Iterator[Predicate]:
    for name, value in others.items():
        wanted = str(value).split(",")
        if name == "_count":
            continue  # all rows are one page
        if name in ("code", "category"):
            yield _coded(name, frozenset(wanted))
        elif name in ("intent", "status"):
            yield _one_of(name, frozenset(wanted))
        elif name == "date" and len(wanted) == 1 and wanted[0].startswith("ge"):
            yield _not_before(wanted[0].removeprefix("ge"))
        else:
            raise Rejected(_BAD_REQUEST, ("not-supported",))


def _coded(element: str, tokens: frozenset[str]) -> Predicate:
    """https://www.hl7.org/fhir/R4/search.html#token"""

    def holds(resource: Resource) -> bool:
        concepts = resource.get(element, ())
        codings = (
            coding
            for concept in ([concepts] if isinstance(concepts, dict) else concepts)
            for coding in concept.get("coding", ())
        )
        return any(
            coding["code"] in tokens or f"{coding.get('system', '')}|{coding['code']}" in tokens
            for coding in codings
            if "code" in coding
        )

    return holds


def _one_of(element: str, codes: frozenset[str]) -> Predicate:
    return lambda resource: resource.get(element) in codes


def _not_before(day: str) -> Predicate:
    """A date that is less precise counts if any of its days may."""

    def holds(resource: Resource) -> bool:
        told = _date(resource)[: len(day)]
        return bool(told) and told >= day[: len(told)]

    return holds


def _moment(resource: Resource) -> str:
    """Text that sorts by time, whatever the zone; what has no date comes last."""
    return sortable(_date(resource) or None)


def _date(resource: Resource) -> str:
    told = next((resource[name] for name in _DATES if name in resource), "")
    return str(told.get("start", "") if isinstance(told, dict) else told)
