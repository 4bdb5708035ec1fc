"""The header: which document this is, whom it is about, which one it takes the place of.

https://hl7.org/cda/us/ccda/2024Jan/StructureDefinition-USRealmHeader.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from subgraphs.connectors.errors import ProtocolViolation, Unsupported
from subgraphs.connectors.hl7v2.people import Identifier
from subgraphs.connectors.hl7v2.times import fhir_time
from subgraphs.connectors.safe_xml import Element

H: Final = "{urn:hl7-org:v3}"
_ROOT: Final = f"{H}ClinicalDocument"
_OTHER_ROOTS: Final = {
    "{http://hl7.org/fhir}Bundle": "a FHIR Bundle in XML",
    "{urn:astm-org:CCR}ContinuityOfCareRecord": "CCR",
}
_DOCUMENTS: Final = "2.16.840.1.113883.10.20.22.1."
"""Templates of documents begin so; some name their own alone, and not that of the common header."""
_CONFIDENTIALITIES: Final = frozenset("ULMNRV")
"""https://terminology.hl7.org/CodeSystem-v3-Confidentiality.html"""
_SSN: Final = "2.16.840.1.113883.4.1"


@dataclass(frozen=True, slots=True)
class Header:
    id: tuple[str, str]
    """Root and extension, as of every instance identifier here."""
    series: tuple[str, str]
    """The set of versions it belongs to; a document that names none is the only one of its own."""
    version: int
    written_at: str | None
    patient: tuple[Identifier, ...]
    """In the order in which they are preferred: a social security number is the last."""
    confidentiality: str | None
    """Of all that no section of its own says otherwise for."""


def read_header(root: Element) -> Header:
    """Raises `Unsupported` for another kind of document, `ProtocolViolation` without an id."""
    if root.tag != _ROOT:
        raise Unsupported(_OTHER_ROOTS.get(root.tag, "XML that is no ClinicalDocument"))
    templates = (each.get("root", "") for each in root.findall(f"{H}templateId"))
    if not any(each.startswith(_DOCUMENTS) for each in templates):
        raise Unsupported("a CDA document that names no template of C-CDA")
    roles = root.findall(f"{H}recordTarget/{H}patientRole")
    if len(roles) > 1:
        raise Unsupported("a C-CDA document about several patients")
    ids = instance_ids(root)
    patient = [_identifier(each) for role in roles for each in role.findall(f"{H}id")]
    known = tuple(each for each in patient if each.value)
    if not ids or not known:
        missing = "patient" if ids else "document"
        raise ProtocolViolation(f"the C-CDA document does not say which {missing} it is: no id")
    number = root.find(f"{H}versionNumber")
    written = root.find(f"{H}effectiveTime")
    return Header(
        id=ids[0],
        series=next(iter(instance_ids(root, "setId")), ids[0]),
        version=_whole(number.get("value", "")) if number is not None else 0,
        written_at=fhir_time(written.get("value", "")) if written is not None else None,
        patient=tuple(sorted(known, key=lambda each: each.kind == "SS")),
        confidentiality=confidentiality_of(root),
    )


def instance_ids(element: Element, name: str = "id") -> list[tuple[str, str]]:
    found = ((e.get("root", ""), e.get("extension", "")) for e in element.findall(f"{H}{name}"))
    return [each for each in found if each[0]]


def confidentiality_of(element: Element) -> str | None:
    """A code that is not known here is taken for `R`: somebody meant to say something."""
    told = element.find(f"{H}confidentialityCode")
    code = told.get("code") if told is not None else None
    return code if code is None or code in _CONFIDENTIALITIES else "R"


def _identifier(element: Element) -> Identifier:
    """As PID-3 tells it: the number, and who gave it, by name or else by object identifier."""
    root, extension = element.get("root", ""), element.get("extension", "")
    authority = element.get("assigningAuthorityName", "") or (root if extension else "")
    return Identifier(extension or root, authority, "SS" if root == _SSN else "")


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < len("1000000000") else 0
