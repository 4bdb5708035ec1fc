"""From the bytes that arrive to what the store takes."""

from __future__ import annotations

from functools import partial

from subgraphs.connectors.hl7v2.adt import Admission
from subgraphs.connectors.hl7v2.documents import read_document
from subgraphs.connectors.hl7v2.fhir import to_resources
from subgraphs.connectors.hl7v2.fhir.people import person_id, retired
from subgraphs.connectors.hl7v2.message import Message
from subgraphs.connectors.inbox.store import Delivery, InboxStore


def read_delivery(content: bytes, source: str, store: InboxStore) -> tuple[Message, Delivery]:
    """Raises `ProtocolViolation` for what cannot be read, `Unsupported` for what is not read."""
    message, document = read_document(content)
    name = partial(store.name, source)
    replaced: dict[str, str] = {}
    if isinstance(document, Admission):
        for record in document.records:
            survivor = person_id(record.person, name)
            if survivor is not None:
                prior = retired(record, document.change, name)
                replaced |= dict.fromkeys(prior, survivor)
    key = (message.sender, message.control_id, message.kind, message.event)
    return message, Delivery(key, tuple(to_resources(message, document, name)), replaced)
