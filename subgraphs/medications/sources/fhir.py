"""Prescriptions and dispenses from a FHIR R4 server, by searches US Core promises.

A prescription is found by patient and intent, a dispense by patient; the Medication that either
refers to comes along in the same answer (`_include`), is contained in it, or is read in one more
call. https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-medicationrequest.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from subgraphs.connectors.errors import Refused, Rejected
from subgraphs.medications.model import (
    MedicationDispense,
    MedicationRequest,
    RefillTask,
    Supplied,
)
from subgraphs.runtime.fhir import Reference, translate
from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.provenance import IncludingSearch, ProvenanceSearch

_Wire: TypeAlias = dict[str, Any]
_Rows: TypeAlias = dict[str, list[_Wire]]
_Shape: TypeAlias = Sequence[Mapping[str, str]]
"""The parameters of each search that together find everything."""

SuppliedT = TypeVar("SuppliedT", bound=Supplied)

# https://hl7.org/fhir/R4/valueset-medicationrequest-intent.html
INTENTS: Final = (
    *("proposal", "plan", "order", "original-order", "reflex-order"),
    *("filler-order", "instance-order", "option"),
)


def _including(type_: str, *others: Mapping[str, str]) -> _Shape:
    return [{**each, "_include": f"{type_}:medication"} for each in others]


_ANY_INTENT: Final = {"intent": ",".join(INTENTS)}
_EACH_INTENT: Final = tuple({"intent": intent} for intent in INTENTS)
_SHAPES: Final[Mapping[str, Sequence[_Shape]]] = {
    "MedicationRequest": (
        _including("MedicationRequest", _ANY_INTENT),
        [_ANY_INTENT],
        _including("MedicationRequest", *_EACH_INTENT),
        _EACH_INTENT,
    ),
    "MedicationDispense": (_including("MedicationDispense", {}), [{}]),
}
"""How each type is asked for: in the first of these that the server takes."""


class MedicationServer(IncludingSearch, Protocol):
    async def read(self, resource_type: str, ids: Iterable[str]) -> dict[str, _Wire]: ...


class FhirMedications:
    def __init__(self, server: MedicationServer, *, base: str = "") -> None:
        """`base` is the server's own URL: another's Medication of that id is another drug."""
        self._server = server
        self._charted = ProvenanceSearch(server)
        self._base = base.rstrip("/") + "/"
        self._taken = dict.fromkeys(_SHAPES, 0)

    async def requests(self, patients: Sequence[str]) -> Answer[MedicationRequest]:
        return await self._ask("MedicationRequest", MedicationRequest, patients)

    async def dispenses(self, patients: Sequence[str]) -> Answer[MedicationDispense]:
        return await self._ask("MedicationDispense", MedicationDispense, patients)

    async def refills(self, patients: Sequence[str]) -> Answer[RefillTask]:
        try:
            found, _ = await self._server.search_including("Task", "patient", patients)
        except Rejected:
            # US Core promises no tasks.
            return Answer(dict.fromkeys(patients, ()))
        about = {
            patient: [row for row in rows if _is_about_prescription(row)]
            for patient, rows in found.items()
        }
        return translate(about, RefillTask)

    async def _ask(
        self, type_: str, model: type[SuppliedT], patients: Sequence[str]
    ) -> Answer[SuppliedT]:
        rows, brought = await self._search(type_, patients)
        medications = {str(each.get("id")): each for each in brought if _is_medication(each)}
        referred = {id_ for found in rows.values() for row in found if (id_ := self._id(row))}
        medications |= await self._read(sorted(referred - medications.keys()))
        resolved = {
            patient: [
                {**row, "medicationResource": _contained(row) or medications.get(self._id(row))}
                for row in found
            ]
            for patient, found in rows.items()
        }
        unknown = {
            patient
            for patient, found in resolved.items()
            if any(_reference(row) and row["medicationResource"] is None for row in found)
        }
        answer = translate(resolved, model)
        return Answer(answer.rows, answer.damaged | unknown)

    async def _search(self, type_: str, patients: Sequence[str]) -> tuple[_Rows, list[_Wire]]:
        shapes = _SHAPES[type_]
        for number in range(self._taken[type_], len(shapes)):
            try:
                found = await self._in_shape(type_, patients, shapes[number])
            except Rejected:
                if number == len(shapes) - 1:
                    raise
            else:
                # Only now is it known that the shape was what it declined.
                self._taken[type_] = number
                return found
        raise AssertionError("the last shape answers or raises")

    async def _in_shape(
        self, type_: str, patients: Sequence[str], shape: _Shape
    ) -> tuple[_Rows, list[_Wire]]:
        answers = await asyncio.gather(
            *(self._charted.search(type_, patients, each) for each in shape)
        )
        rows: _Rows = {patient: [] for patient in patients}
        for found, _ in answers:
            for patient, added in found.items():
                rows[patient] += added
        return rows, [resource for _, brought in answers for resource in brought]

    async def _read(self, ids: Sequence[str]) -> dict[str, _Wire]:
        """What was not brought along, as far as the server lets us read it."""
        if not ids:
            return {}
        try:
            return await self._server.read("Medication", ids)
        except (Rejected, Refused):
            return {}

    def _id(self, row: _Wire) -> str:
        """The id of the server's own Medication that it refers to; empty without one."""
        reference = (_reference(row) or "").removeprefix(self._base)
        return "" if "://" in reference else Reference(reference).id_of("Medication") or ""


def _is_medication(resource: _Wire) -> bool:
    return resource.get("resourceType") == "Medication"


def _reference(row: _Wire) -> str | None:
    element = row.get("medicationReference")
    reference = element.get("reference") if isinstance(element, dict) else None
    return reference if isinstance(reference, str) else None


def _contained(row: _Wire) -> _Wire | None:
    contained = row.get("contained")
    own = {
        f"#{each.get('id')}": each
        for each in (contained if isinstance(contained, list) else ())
        if isinstance(each, dict) and _is_medication(each)
    }
    return own.get(_reference(row) or "")


def _is_about_prescription(task: _Wire) -> bool:
    focus = task.get("focus")
    reference = focus.get("reference", "") if isinstance(focus, dict) else ""
    return "MedicationRequest/" in str(reference)
