"""A source of another make, searched as a FHIR server is.

Its kind asks about many patients at once and translates what it is told to FHIR R4 resources. What
a search is besides, is here: by code, category, status and date, or the newest of each patient.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

import msgspec

from subgraphs.connectors.errors import ProtocolViolation, Rejected
from subgraphs.connectors.fhir.binary import Binary
from subgraphs.connectors.moments import sortable
from subgraphs.connectors.parallel import for_each
from subgraphs.connectors.searched import Resource, Rows, Searched, SearchedT

Predicate: TypeAlias = Callable[[Resource], bool]

UNREADABLE: Final[Resource] = {}
"""Stands for a row that cannot be read, among those of its patient: who asks is told."""
_BRINGING: Final = frozenset({"_include", "_revinclude"})
_BAD_REQUEST: Final = 400
_DATES: Final = ("effectiveDateTime", "effectivePeriod", "start", "issued")
"""What `date` means, by whichever the resource has."""


class Row(msgspec.Struct, frozen=True):
    """A row of an answer; a kind's own inherit it."""

    patient: str
    """The source's id of whose it is."""


RowT = TypeVar("RowT", bound=Row)


class AsFhir(Searched[SearchedT]):
    types: ClassVar[frozenset[str] | None] = None
    """The resource types it has, beside `Patient`; None for whatever it is asked for."""
    batch: ClassVar[int] = 100
    """How many patients it is asked about in one call."""

    @abstractmethod
    async def by_patient(self, resource_type: str, patients: Sequence[str]) -> Rows:
        """Every resource of a type of each of these patients, in one call for all of them."""

    @abstractmethod
    async def people(self, after: str) -> tuple[list[Resource], str]:
        """A page of everyone it knows, and how to go on; empty at the end, and at first."""

    async def crawl(self, resource_type: str) -> AsyncIterator[list[Resource]]:
        if resource_type != "Patient":
            raise Rejected(_BAD_REQUEST, ("not-supported",))
        seen = {""}
        after = ""
        while True:
            page, after = await self.people(after)
            if page:
                yield page
            if not after:
                return
            if after in seen:
                raise ProtocolViolation("the source's list of patients does not end")
            seen.add(after)

    async def by_id(self, resource_type: str, ids: Sequence[str]) -> dict[str, Resource]:  # noqa: ARG002 - of those that have any
        """What the resources of patients refer to; what is absent is left out."""
        return {}

    async def read(self, resource_type: str, ids: Iterable[str]) -> dict[str, Resource]:
        return await self.by_id(resource_type, list(ids))

    async def contents(self, urls: Iterable[str]) -> dict[str, Binary]:  # noqa: ARG002 - the interface's parameter
        """None lies apart: what it sends is whole."""
        return {}

    async def search_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> tuple[Rows, list[Resource]]:
        """Nothing is brought along. Raises `Rejected` for parameters that are not known here, as a
        strict server does."""
        wanted, asked = list(_predicates(others or {})), list(dict.fromkeys(keys))
        if param == "_id":
            known = await self.read(resource_type, asked)
            return {key: [known[key]] if key in known else [] for key in asked}, []
        if param != "patient":
            raise Rejected(_BAD_REQUEST, ("not-supported",))
        found = await self._all(resource_type, asked)
        return {
            key: [
                row
                for row in found.get(key, ())
                if row is UNREADABLE or all(holds(row) for holds in wanted)
            ]
            for key in asked
        }, []

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
        if sort != "-date":
            raise Rejected(_BAD_REQUEST, ("not-supported",))
        rows = await self.search_by(resource_type, param, keys, others)
        newest = {key: sorted(found, key=_moment, reverse=True) for key, found in rows.items()}
        return {key: found[:per_key] for key, found in newest.items()}, []

    async def _all(self, resource_type: str, patients: Sequence[str]) -> Rows:
        if self.types is not None and resource_type not in self.types:
            return {}

        async def ask(part: Sequence[str]) -> Rows:
            return await self.by_patient(resource_type, part)

        parts = [
            patients[start : start + self.batch] for start in range(0, len(patients), self.batch)
        ]
        found = await for_each(parts, ask, at_a_time=self.config.max_parallel)
        return {patient: rows for part in found for patient, rows in part.items()}


def rows_of(
    answered: Iterable[msgspec.Raw], model: type[RowT], translate: Callable[[RowT], Resource]
) -> Rows:
    """Each row as a resource, by its patient; one that cannot be read costs nothing but itself."""
    rows: defaultdict[str, list[Resource]] = defaultdict(list)
    for raw in answered:
        try:
            row = msgspec.json.decode(raw, type=model)
            resource = translate(row)
        except (msgspec.ValidationError, LookupError, ValueError):
            rows[_owner(raw, model)].append(UNREADABLE)
        else:
            rows[row.patient].append(resource)
    return dict(rows)


def _owner(raw: msgspec.Raw, model: type[Row]) -> str:
    """Whose an unreadable row is. Without that, it could be missing from anyone's rows."""
    place = model.__struct_fields__.index("patient")
    row = msgspec.json.decode(raw)
    owner = row.get(model.__struct_encode_fields__[place]) if isinstance(row, dict) else None
    if not isinstance(owner, str):
        raise ProtocolViolation("a row of the source's answer cannot be read")
    return owner


def _predicates(others: Mapping[str, Any]) -> Iterator[Predicate]:
    for name, value in others.items():
        wanted = str(value).split(",")
        if name == "_count" or name in _BRINGING:
            continue  # all rows are one page, with all there is to them
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
    """Text that sorts by time, whatever the zone; what has no date that can be read comes last."""
    try:
        return sortable(_date(resource) or None)
    except ValueError:
        return ""


def _date(resource: Resource) -> str:
    told = next((resource[name] for name in _DATES if name in resource), "")
    return str(told.get("start", "") if isinstance(told, dict) else told)
