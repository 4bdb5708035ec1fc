"""Who recorded a fact, by the Provenance that its source keeps of it.

US Core promises `_revinclude=Provenance:target` on every search of a patient's records, so it comes
along in the same answer. A server that declines it is asked without, from then on.
https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-provenance.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from subgraphs.connectors.errors import Rejected
from subgraphs.runtime.fhir import ProvenanceRecord, Reference

Rows: TypeAlias = dict[str, list[dict[str, Any]]]
REVINCLUDE: Final = {"_revinclude": "Provenance:target"}
_TYPE: Final = "Provenance"


class IncludingSearch(Protocol):
    async def search_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
    ) -> tuple[Rows, list[dict[str, Any]]]: ...


class ProvenanceSearch:
    """A server's searches by patient, each row with what is told of who recorded it."""

    def __init__(self, server: IncludingSearch) -> None:
        self._server = server
        self._takes: set[str] = set()
        self._declines: set[str] = set()

    async def search(
        self, type_: str, patients: Sequence[str], others: Mapping[str, Any] | None = None
    ) -> tuple[Rows, list[dict[str, Any]]]:
        """The rows of each patient, and what else was brought along."""
        if type_ not in self._declines:
            try:
                rows, brought = await self._ask(type_, patients, {**(others or {}), **REVINCLUDE})
            except Rejected:
                if type_ in self._takes:
                    raise
                # Perhaps because of it: what comes now tells.
                found = await self._ask(type_, patients, others)
                self._declines.add(type_)
                return found
            self._takes.add(type_)
            return attached(type_, rows, brought), [r for r in brought if not _is_provenance(r)]
        return await self._ask(type_, patients, others)

    async def _ask(
        self, type_: str, patients: Sequence[str], others: Mapping[str, Any] | None
    ) -> tuple[Rows, list[dict[str, Any]]]:
        return await self._server.search_including(type_, "patient", patients, others)


def attached(type_: str, rows: Rows, brought: Iterable[Mapping[str, Any]]) -> Rows:
    """The rows, each with the Provenances among the others that have it as a target."""
    told: defaultdict[str, list[ProvenanceRecord]] = defaultdict(list)
    for resource in brought:
        if _is_provenance(resource):
            _note(told, type_, resource)
    if not told:
        return rows
    return {
        patient: [
            {**row, "provenanceResource": told[id_]} if (id_ := str(row.get("id"))) in told else row
            for row in found
        ]
        for patient, found in rows.items()
    }


def _note(
    told: defaultdict[str, list[ProvenanceRecord]], type_: str, resource: Mapping[str, Any]
) -> None:
    """One that cannot be read costs no row anything."""
    targets = resource.get("target")
    try:
        record = msgspec.convert(resource, ProvenanceRecord)
        references = msgspec.convert(targets, list[Reference])
    except msgspec.ValidationError:
        return
    for reference in references:
        id_ = reference.id_of(type_)
        if id_ is not None:
            told[id_].append(record)


def _is_provenance(resource: Mapping[str, Any]) -> bool:
    return resource.get("resourceType") == _TYPE
