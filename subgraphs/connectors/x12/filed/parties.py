"""Who a file is about: payers by their numbers, patients by their member numbers, never by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from subgraphs.connectors.x12.elements import Party
from subgraphs.connectors.x12.settings import FiledPayer

Resource: TypeAlias = dict[str, Any]
Namer: TypeAlias = Callable[..., str]
"""Makes an id of what tells a thing from others; it says nothing of what it was made of."""

CLAIM_SYSTEM: Final = "urn:chartgraph:x12:claim:"
"""Before a payer's id: the system of its own claim numbers (CLP07, REF 1K and F8)."""
ACCOUNT_SYSTEM: Final = "urn:chartgraph:x12:account:"
"""Likewise of the providers' numbers of the claims sent to it (CLM01, CLP01, REF EJ)."""
_MEMBER_SYSTEM: Final = "urn:chartgraph:x12:member:"
_NPI: Final = "http://hl7.org/fhir/sid/us-npi"
_EVER: Final = "1970-01-01T00:00:00Z"
"""Before any moment: of whom only a name and a number is told, any description tells more."""
_SEXES: Final = {"F": "female", "M": "male", "U": "unknown"}
_NOT_MEMBERS: Final = frozenset({"XX", "24", "34"})
"""NM108 of an NPI, an employer's number and a social security number."""


@dataclass(frozen=True, slots=True)
class Names:
    """Ids for what files tell, and the payers as the sources know them."""

    name: Namer
    payers: Mapping[str, FiledPayer]

    def payer(self, party: Party | None) -> str:
        """Whose claim numbers these are: a source's id, or the payer's own number."""
        known = self._known(party)
        return known.source if known else f"x12:{_told(party)}"

    def patient(self, payer: Party | None, whom: Party | None, insured: Party | None) -> str | None:
        """One person of a member number; None without one."""
        number = _number(whom) or _number(insured)
        if not number or whom is None:
            return None
        # Of those who share a subscriber's number each has another given name.
        given = whom.given.split()[0].upper() if whom.given.strip() else ""
        return self.name("member", self.payer(payer), number, given)

    def patient_resource(
        self,
        id_: str,
        payer: Party | None,
        whom: Party,
        insured: Party | None,
        described_at: str | None = None,
    ) -> Resource:
        number = _number(whom) or _number(insured)
        known = self._known(payer)
        system = (known and known.members) or f"{_MEMBER_SYSTEM}{_told(payer)}"
        given = [part for part in (whom.given, whom.middle) if part]
        return filled(
            resourceType="Patient",
            id=id_,
            meta={"lastUpdated": described_at or _EVER},
            active=True,
            identifier=[{"system": system, "value": number}],
            name=[filled(use="official", family=_worded(whom.name), given=_all_worded(given))],
            birthDate=whom.birth_date.isoformat() if whom.birth_date else None,
            gender=_SEXES.get(whom.sex),
        )

    def _known(self, party: Party | None) -> FiledPayer | None:
        if party is None:
            return None
        return self.payers.get(party.id) or self.payers.get(party.name)


def party_reference(party: Party | None) -> Resource | None:
    """Somebody by name and number."""
    if party is None:
        return None
    number = filled(system=_NPI, value=party.npi) if party.npi else None
    name = " ".join(part for part in (party.given, party.middle, party.name) if part)
    return filled(display=name, identifier=number)


def filled(**elements: Any) -> Resource:
    """Without what is empty: FHIR has no empty elements."""
    return {name: value for name, value in elements.items() if value not in (None, "", [], {})}


def _number(party: Party | None) -> str:
    return party.id if party and party.id_kind not in _NOT_MEMBERS else ""


def _told(party: Party | None) -> str:
    return (party.id or party.name) if party else ""


def _worded(name: str) -> str:
    """Files are in capitals: `DOE` is Doe; what has small letters is left as it is."""
    return name.title() if name.isupper() else name


def _all_worded(names: list[str]) -> list[str]:
    return [_worded(name) for name in names]
