"""The resources of one server, each encoded once, with what its search parameters read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from sandbox.fhir.parameters import PARAMETERS
from sandbox.fhir.reading import Kind, Resource, Values, values
from sandbox.wire import encode


@dataclass(frozen=True, slots=True)
class Stored:
    type: str
    id: str
    version: int
    last_updated: str
    raw: msgspec.Raw
    values: Mapping[str, Values]

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"

    @property
    def etag(self) -> str:
        return f'W/"{self.version}"'


class Store:
    def __init__(self, resources: Iterable[Resource]) -> None:
        """`resources` bring their own `meta`, as data that was there before we started."""
        self._by_type: dict[str, dict[str, Stored]] = {type_: {} for type_ in PARAMETERS}
        self._referring: defaultdict[tuple[str, str, str], dict[str, None]] = defaultdict(dict)
        self._undoing: list[tuple[Stored, Stored | None]] | None = None
        for resource in resources:
            self._insert(resource)

    def get(self, type_: str, id_: str) -> Stored | None:
        return self._by_type[type_].get(id_)

    def find(self, reference: str) -> Stored | None:
        type_, _, id_ = reference.partition("/")
        return self._by_type.get(type_, {}).get(id_)

    def all(self, type_: str) -> Collection[Stored]:
        return self._by_type[type_].values()

    def referring(self, type_: str, parameter: str, reference: str) -> list[Stored]:
        """Those whose `parameter` holds the reference, which may leave out the type."""
        ids = self._referring.get((type_, parameter, reference), {})
        return [self._by_type[type_][id_] for id_ in ids]

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Everything that is put within, or nothing."""
        undoing: list[tuple[Stored, Stored | None]] = []
        self._undoing = undoing
        try:
            yield
        except BaseException:
            for new, old in reversed(undoing):
                self._forget(new)
                if old is not None:
                    self._hold(old)
            raise
        finally:
            self._undoing = None

    def put(self, resource: Resource) -> Stored:
        """Write a new version; the server, not the client, states version and time."""
        old = self.get(resource["resourceType"], resource["id"])
        meta = {
            **resource.get("meta", {}),
            "versionId": str(old.version + 1 if old else 1),
            "lastUpdated": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        if old:
            self._forget(old)
        stored = self._insert({**resource, "meta": meta})
        if self._undoing is not None:
            self._undoing.append((stored, old))
        return stored

    def _insert(self, resource: Resource) -> Stored:
        type_ = resource["resourceType"]
        stored = Stored(
            type=type_,
            id=resource["id"],
            version=int(resource["meta"]["versionId"]),
            last_updated=resource["meta"]["lastUpdated"],
            raw=msgspec.Raw(encode(resource)),
            values={code: values(resource, p) for code, p in PARAMETERS[type_].items()},
        )
        self._hold(stored)
        return stored

    def _hold(self, stored: Stored) -> None:
        self._by_type[stored.type][stored.id] = stored
        for key in _reference_keys(stored):
            self._referring[key][stored.id] = None

    def _forget(self, stored: Stored) -> None:
        del self._by_type[stored.type][stored.id]
        for key in _reference_keys(stored):
            self._referring[key].pop(stored.id, None)


def _reference_keys(stored: Stored) -> Iterable[tuple[str, str, str]]:
    for code, parameter in PARAMETERS[stored.type].items():
        if parameter.kind is Kind.REFERENCE:
            for reference in stored.values[code]:
                yield stored.type, code, str(reference)
                yield stored.type, code, str(reference).rpartition("/")[2]
