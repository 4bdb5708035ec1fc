"""What a payer wants to know besides: its CommunicationRequests, as they come over the wire.

https://hl7.org/fhir/us/davinci-pas/StructureDefinition-profile-communicationrequest.html
"""

from __future__ import annotations

from subgraphs.coverage.model.preauthorization.extensions import Extended
from subgraphs.runtime import fhir


class WishedContent(Extended, frozen=True, kw_only=True):
    content_string: str | None = None


class Wish(fhir.Resource, frozen=True, kw_only=True):
    identifier: tuple[fhir.Identifier, ...] = ()
    subject: fhir.Reference | None = None
    category: tuple[fhir.CodeableConcept, ...] = ()
    medium: tuple[fhir.CodeableConcept, ...] = ()
    payload: tuple[WishedContent, ...] = ()
    authored_on: str | None = None

    def is_about(self, patient: str) -> bool:
        """Whom it does not name is whoever the answer is about that refers to it."""
        return self.subject is None or self.subject.id_of("Patient") == patient
