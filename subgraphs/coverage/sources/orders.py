"""Prescriptions of an EHR, as far as a payer is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.runtime import fhir
from subgraphs.runtime.labelling import mentions_of

ORDERED: Final = "MedicationRequest"
# https://hl7.org/fhir/us/davinci-pas/StructureDefinition-profile-medicationrequest.html
_TOLD: Final = ("status", "intent", "authoredOn", "dosageInstruction", "dispenseRequest")


class Reader(Protocol):
    async def read(
        self, resource_type: str, ids: Iterable[str]
    ) -> Mapping[str, Mapping[str, Any]]: ...


class _Named(fhir.Resource, frozen=True, kw_only=True):
    """What a decision about a prescription needs to know."""

    status: str | None = None
    intent: str | None = None
    subject: fhir.Reference | None = None
    authored_on: str | None = None


@dataclass(frozen=True, slots=True)
class Prescription:
    """One, with its drug. It is as sensitive as its labels and its drug say."""

    url: str
    wire: Mapping[str, Any]
    named: _Named
    drug: fhir.CodeableConcept
    type: str = ORDERED

    @property
    def patient(self) -> str | None:
        return self.named.subject.id_of("Patient") if self.named.subject else None

    @property
    def moment(self) -> str | None:
        return self.named.authored_on

    @property
    def subjects(self) -> frozenset[str]:
        return fhir.subjects(self.drug)

    @property
    def tokens(self) -> Mapping[str, frozenset[str]]:
        return {
            "status": frozenset({self.named.status or ""}),
            "intent": frozenset({self.named.intent or ""}),
            "code": fhir.tokens([self.drug]),
        }

    @property
    def security(self) -> tuple[fhir.Coding, ...]:
        return self.named.meta.security

    @property
    def mentions(self) -> frozenset[str]:
        return mentions_of(self.drug)

    def told_to(self, patient: str) -> dict[str, Any]:
        """What a payer sees of it: nothing that leads further into the record."""
        return {
            "resourceType": ORDERED,
            "id": self.wire["id"],
            **{name: self.wire[name] for name in _TOLD if name in self.wire},
            "medicationCodeableConcept": _plain(self.drug),
            "subject": {"reference": patient},
        }


@dataclass(frozen=True, slots=True)
class Orders:
    """One source's. `base` is where it keeps them."""

    base: str
    server: Reader

    async def prescription(self, id_: str) -> Prescription | None:
        found = await self.server.read(ORDERED, [id_])
        wire = found.get(id_)
        if wire is None:
            return None
        try:
            named = msgspec.convert(wire, _Named)
            drug = msgspec.convert(await self._drug(wire), fhir.CodeableConcept)
        except msgspec.ValidationError:
            raise ProtocolViolation("a prescription cannot be read") from None
        return Prescription(f"{self.base.rstrip('/')}/{ORDERED}/{id_}", wire, named, drug)

    async def _drug(self, wire: Mapping[str, Any]) -> Any:
        """Said in the prescription, contained in it, or on a list of the source's own."""
        if "medicationCodeableConcept" in wire:
            return wire["medicationCodeableConcept"]
        reference = wire.get("medicationReference", {})
        named = str(reference.get("reference", ""))
        contained = {f"#{each.get('id')}": each for each in wire.get("contained", ())}
        if named in contained:
            return contained[named].get("code", {})
        id_ = fhir.Reference(named).id_of("Medication")
        listed = await self.server.read("Medication", [id_]) if id_ else {}
        return listed.get(id_ or "", {}).get("code", {"text": reference.get("display")})


def _plain(concept: fhir.CodeableConcept) -> dict[str, Any]:
    coding = [
        {"system": each.system, "code": each.code, "display": each.display}
        for each in concept.coding
    ]
    told = {
        "coding": [{name: value for name, value in each.items() if value} for each in coding],
        "text": concept.text,
    }
    return {name: value for name, value in told.items() if value}
