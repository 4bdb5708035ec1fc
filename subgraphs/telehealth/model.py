"""What the vendors say of a visit when asked, or last pushed; and messages, as EHRs keep them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.telehealth.visit import Visit
from subgraphs.runtime.fhir import CodeableConcept, Element, Reference, Resource


class Content(Element, frozen=True):
    content_string: str | None = None


class Communication(Resource, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/communication.html"""

    status: str | None = None
    category: tuple[CodeableConcept, ...] = ()
    subject: Reference | None = None
    topic: CodeableConcept | None = None
    sender: Reference | None = None
    recipient: tuple[Reference, ...] = ()
    sent: str | None = None
    received: str | None = None
    in_response_to: tuple[Reference, ...] = ()
    payload: tuple[Content, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def body(self) -> str | None:
        texts = [each.content_string for each in self.payload if each.content_string]
        return "\n\n".join(texts) or None


@dataclass(frozen=True, slots=True)
class PushedStatus:
    """The latest status the vendor pushed of a visit."""

    status: str
    occurred_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class VisitNow:
    """As the vendor answered, or else why it did not and what it pushed before."""

    source: str
    id: str
    received_at: datetime
    visit: Visit | None = None
    failure: UpstreamError | None = None
    pushed: PushedStatus | None = None

    @property
    def status(self) -> str | None:
        if self.visit is None or self.pushed_counts:
            return self.pushed.status if self.pushed else None
        return self.visit.status

    @property
    def pushed_counts(self) -> bool:
        """Whether the vendor's answer does not tell what is over from what lies ahead."""
        told = self.visit.status if self.visit else None
        return told == "scheduled" and self.pushed is not None and self.pushed.status == "ended"
