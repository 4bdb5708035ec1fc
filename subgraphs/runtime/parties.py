"""Whom a record names: how one subgraph tells the directory, which alone knows them.

A record refers to who treated and where in many ways: by a resource of its source, by an
identifier, by a search that must find one, by a resource it contains. Whichever it is travels
sealed, as the key of an entity (`Practitioner.reference`), and the directory opens all of an
operation's together. https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qs

import msgspec

from subgraphs.runtime.fhir import Contained, Identifier, Reference
from subgraphs.runtime.npi import NPI, npi_of
from subgraphs.runtime.sealing import IdSeal

PRACTITIONER: Final = "Practitioner"
PRACTITIONER_ROLE: Final = "PractitionerRole"
ORGANIZATION: Final = "Organization"
LOCATION: Final = "Location"
LISTED: Final = frozenset({PRACTITIONER, PRACTITIONER_ROLE, ORGANIZATION, LOCATION})
"""The types a directory knows."""


class PartyRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """Someone or something a source's record names."""

    source: str
    type: str
    url: str | None = None
    """A literal reference as the record has it: relative to its source, or absolute."""
    system: str | None = None
    value: str | None = None
    """An identifier, where the record gives no more; or one that the contained resource has."""


def party_ref(
    source: str, reference: Reference | None, contained: Iterable[Contained] = ()
) -> PartyRef | None:
    """None for what no directory could find: a name alone, a patient, a device."""
    if reference is None:
        return None
    url = reference.reference or ""
    if url.startswith("#"):
        return _contained_ref(source, url, tuple(contained))
    if "?" in url:
        return _conditional_ref(source, url)
    type_ = reference.resource_type
    if type_ not in LISTED:
        return None
    if url:
        return PartyRef(source, type_, url)
    return _identified(source, type_, (reference.identifier,) if reference.identifier else ())


def name_of(reference: Reference | None, contained: Iterable[Contained] = ()) -> str | None:
    """The name of whom a record means, as far as it tells it itself."""
    if reference is None:
        return None
    within = (each for each in contained if f"#{each.id}" == reference.reference)
    return reference.display or next((name for each in within if (name := each.full_name)), None)


def seal_party(ids: IdSeal, ref: PartyRef) -> str:
    return ids.seal_key(f"party:{ref.type}", msgspec.json.encode(ref))


def open_party(ids: IdSeal, types: Iterable[str], text: object) -> PartyRef | None:
    """Whom a key means; None for one that is not of these types, or not ours at all."""
    if not isinstance(text, str):
        return None
    opened = (ids.open_key(f"party:{type_}", text) for type_ in types)
    plaintext = next((each for each in opened if each is not None), None)
    return None if plaintext is None else msgspec.json.decode(plaintext, type=PartyRef)


def _contained_ref(source: str, url: str, contained: tuple[Contained, ...]) -> PartyRef | None:
    found = next((each for each in contained if f"#{each.id}" == url), None)
    if found is None:
        return None
    if found.resource_type == PRACTITIONER_ROLE and found.practitioner is not None:
        # What is contained contains nothing, so this leads no further than one step.
        others = tuple(each for each in contained if each is not found)
        return party_ref(source, found.practitioner, others)
    return _identified(source, found.resource_type, found.identifiers)


def _conditional_ref(source: str, url: str) -> PartyRef | None:
    """`Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999999999`

    https://hl7.org/fhir/R4/http.html#trules
    """
    path, _, query = url.partition("?")
    type_ = path.rpartition("/")[2]
    stated = parse_qs(query).get("identifier", ())
    if type_ not in LISTED or len(stated) != 1:
        return None
    system, _, value = stated[0].rpartition("|")
    return _identified(source, type_, (Identifier(system=system or None, value=value),))


def _identified(
    source: str, type_: str | None, identifiers: tuple[Identifier, ...]
) -> PartyRef | None:
    npi = npi_of(identifiers)
    if type_ not in LISTED:
        return None
    if npi is not None:
        return PartyRef(source, type_, system=NPI, value=npi)
    known = ((each.system, each.value) for each in identifiers if each.system and each.value)
    return next((PartyRef(source, type_, system=s, value=v) for s, v in known), None)
