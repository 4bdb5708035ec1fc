"""HL7 v2 messages as FHIR R4 resources, so that what is pushed reads like what is fetched.

The mappings are those of https://build.fhir.org/ig/HL7/v2-to-fhir. Ids are made of the sender's own
numbers, so that a later message about the same thing has the same id and takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator

from subgraphs.connectors.hl7v2.adt import Admission
from subgraphs.connectors.hl7v2.documents import Document
from subgraphs.connectors.hl7v2.fhir.appointments import appointment_resources
from subgraphs.connectors.hl7v2.fhir.elements import Namer, Resource
from subgraphs.connectors.hl7v2.fhir.people import admission_resources
from subgraphs.connectors.hl7v2.fhir.results import result_resources
from subgraphs.connectors.hl7v2.message import Message
from subgraphs.connectors.hl7v2.oru import Results


def to_resources(message: Message, document: Document, name: Namer) -> Iterator[Resource]:
    """Patients before what is theirs; `meta.lastUpdated` tells which of two messages holds."""
    if isinstance(document, Admission):
        return admission_resources(document, name)
    if isinstance(document, Results):
        return result_resources(document, message, name)
    return appointment_resources(document, message, name)
