"""A C-CDA document as the resources that are kept of it.

https://hl7.org/cda/us/ccda/2024Jan/ says what it may hold, and
https://hl7.org/fhir/us/ccda/ what becomes of it as FHIR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from subgraphs.connectors.ccda.conversion import Resource, convert
from subgraphs.connectors.ccda.header import Header, read_header
from subgraphs.connectors.ccda.left_out import left_out
from subgraphs.connectors.ccda.repair import repair
from subgraphs.connectors.ccda.resources import PATIENT, Origin, keep
from subgraphs.connectors.ccda.statements import tag_statements
from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.hl7v2.fhir.elements import Namer
from subgraphs.connectors.hl7v2.fhir.people import number_id
from subgraphs.connectors.safe_xml import parse_safely


@dataclass(frozen=True, slots=True)
class ClinicalDocument:
    header: Header
    patient: str
    """The id of their resource."""
    resources: tuple[Resource, ...]
    left_out: Mapping[str, int]


def read_ccda(content: bytes, name: Namer) -> ClinicalDocument:
    """Raises `ProtocolViolation` for what cannot be read, `Unsupported` for what is not read."""
    document = parse_safely(content)
    header = read_header(document)
    patient = number_id(header.patient[0], name)
    tagged = tag_statements(document)
    repair(document, tagged.root)
    series = (*header.series, patient)
    origin = Origin(name, patient, series, header.written_at, header.confidentiality)
    kept = keep(convert(document), tagged, origin)
    resources = tuple(each.resource for each in kept)
    if not any(each["resourceType"] == PATIENT for each in resources):
        raise ProtocolViolation("the C-CDA document tells nothing of its patient that can be read")
    return ClinicalDocument(header, patient, resources, left_out(document, tagged, kept))
