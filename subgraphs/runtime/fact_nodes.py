"""Facts as GraphQL nodes: the fields all have in common, and what is said of each alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Self, TypedDict, TypeVar

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import FEW, Coding, Conflict, Provenance, ProvenanceMethod
from subgraphs.runtime.entries import Entry
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation

# One wording for what several subgraphs publish: the supergraph shows one of them.
PATIENT: Final = (
    "A person as all sources together know them: the root of everything clinical. Where a single "
    "value is asked for, that of the record changed last is shown."
)
PATIENT_ID: Final = (
    "The enterprise id: it stays when records are merged, and any id the person ever had finds "
    "them."
)
ENCOUNTER: Final = "A visit or stay. https://hl7.org/fhir/R4/encounter.html"
CONDITION: Final = "A problem or diagnosis. https://hl7.org/fhir/R4/condition.html"
DOCUMENT_REFERENCE: Final = (
    "A note, a letter, a summary, an advance directive or another document. "
    "https://hl7.org/fhir/R4/documentreference.html"
)
QUESTIONNAIRE_RESPONSE: Final = (
    "A form as it was filled in. https://hl7.org/fhir/R4/questionnaireresponse.html"
)
SERVICE_REQUEST: Final = (
    "An order, a referral, or another request that something be done. "
    "https://hl7.org/fhir/R4/servicerequest.html"
)
APPOINTMENT: Final = "A booked time. https://hl7.org/fhir/R4/appointment.html"
MEDICATION_REQUEST: Final = (
    "A prescription, or another order or plan to take something. "
    "https://hl7.org/fhir/R4/medicationrequest.html"
)
PRACTITIONER: Final = (
    "Someone who gives care. One with a valid National Provider Identifier is one node, however "
    "many sources know them. https://hl7.org/fhir/R4/practitioner.html"
)
ORGANIZATION: Final = (
    "A hospital, a practice, a department, a payer. https://hl7.org/fhir/R4/organization.html"
)
LOCATION: Final = "A place where care is given. https://hl7.org/fhir/R4/location.html"
PARTICIPANT: Final = "Someone or something that takes part in an appointment."
PARTY_KEY: Final = "How a record of another domain names it, sealed."
PARTY: Final = (
    "Someone or something that a record names: a clinician, an organization, a place, a device, "
    "the patient or a relative."
)
PARTY_TYPE: Final = "A FHIR resource type: `Practitioner`, `Organization`, `Patient`, …"
PARTY_DISPLAY: Final = "The name, as far as the record tells it itself."
PARTY_PRACTITIONER: Final = (
    "The practitioner, named in person or by a role. Null for everyone else, and for one whom no "
    "directory knows: then the name is all there is."
)
PARTY_ORGANIZATION: Final = "Likewise, where it is an organization."
PARTY_LOCATION: Final = "Likewise, where it is a place."
FACT_ID: Final = "An opaque id. A fact of several sources is found by any of its records' ids."

RecordT = TypeVar("RecordT", bound=fhir.PatientRecord)
NodeT = TypeVar("NodeT")


@strawberry.type
class MergedNode:
    """What every node made of several sources' records publishes."""

    id: strawberry.ID = strawberry.field(description=FACT_ID)
    provenance: list[Provenance] = strawberry.field(
        directives=[FEW], description="Where the fact comes from, one for each source that has it."
    )
    security_labels: list[Coding] = strawberry.field(
        directives=[FEW],
        description="Labels of confidentiality and sensitivity that any of its sources has put on "
        "the fact, or that its codes call for.",
    )
    fact: strawberry.Private[Any]

    @strawberry.field(
        directives=[FEW],
        description="What its sources disagree on. Shown is the record that warns most, or else "
        "the one changed last; nothing another source says is left out.",
    )
    def conflicts(self) -> list[Conflict]:
        return [Conflict.of(conflict) for conflict in self.fact.conflicts]


@strawberry.type
class FactNode(MergedNode):
    """What every fact publishes; types inherit it."""

    fact: strawberry.Private[Fact[Any]]


@strawberry.type
class EntryNode(MergedNode):
    """What every entry of a directory publishes; types inherit it."""

    fact: strawberry.Private[Entry[Any]]


class Common(TypedDict):
    id: strawberry.ID
    provenance: list[Provenance]
    security_labels: list[Coding]
    fact: Any


def common(
    fact: Fact[Any] | Entry[Any], method: ProvenanceMethod = ProvenanceMethod.FHIR_READ
) -> Common:
    """The common fields of a fact's node, or an entry's."""
    return Common(
        id=strawberry.ID(fact.id),
        provenance=[Provenance.of(record, method) for record in fact.records],
        security_labels=[Coding.of(label) for label in fact.security],
        fact=fact,
    )


@strawberry.type
class PatientNode:
    """What every subgraph but identity knows of a patient; its own Patient inherits it."""

    id: strawberry.ID = strawberry.field(description=PATIENT_ID)
    links: str | None = federation.field(
        external=True, default=None, description="The crosswalk, sealed."
    )

    @classmethod
    async def resolve_references(
        cls, _request: Request[Any], representations: Sequence[Representation]
    ) -> list[Self | Exception]:
        return [cls._of(representation) for representation in representations]

    @classmethod
    def _of(cls, representation: Representation) -> Self | Exception:
        id_, links = representation.get("id"), representation.get("links")
        if not isinstance(id_, str) or not isinstance(links, str | None):
            return ClientError(Code.BAD_REQUEST, "A representation lacks its key.")
        return cls(id=strawberry.ID(id_), links=links)
