"""From the bytes that arrive to what the store takes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Final

from subgraphs.connectors.hl7v2.adt import Admission
from subgraphs.connectors.hl7v2.documents import read_document
from subgraphs.connectors.hl7v2.fhir import to_resources
from subgraphs.connectors.hl7v2.fhir.people import person_id, retired
from subgraphs.connectors.inbox.delivery import Delivery, Version
from subgraphs.connectors.inbox.settings import InboxSource
from subgraphs.connectors.inbox.store import InboxStore
from subgraphs.connectors.x12.documents import read_filed
from subgraphs.connectors.x12.filed import file_documents

C_CDA: Final = "C-CDA"
X12: Final = "X12"
_XML_STARTS: Final = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<", b"\xfe\xff\x00<")


@dataclass(frozen=True, slots=True)
class Received:
    kind: str
    """`ADT`, `ORU`, … of messages, `C-CDA` of documents, `X12` of interchanges."""
    control_id: str
    """What the sender of a message calls it; empty for documents and interchanges."""
    delivery: Delivery


def is_xml(content: bytes) -> bool:
    """Whether it is a document; anything else is an interchange or a message, or wants to be."""
    return content.lstrip().startswith(_XML_STARTS)


def is_x12(content: bytes) -> bool:
    return content.lstrip().startswith(b"ISA")


def read_delivery(content: bytes, config: InboxSource, store: InboxStore) -> Received:
    """Raises `ProtocolViolation` for what cannot be read, `Unsupported` for what is not read."""
    if is_x12(content):
        return _read_interchange(content, config, store)
    read = _read_document if is_xml(content) else _read_message
    return read(content, config.id, store)


def _read_interchange(content: bytes, config: InboxSource, store: InboxStore) -> Received:
    filing = file_documents(read_filed(content), partial(store.name, config.id), config.payers)
    # Partners begin to count their interchanges anew, so the number alone tells none from another.
    key = (X12, hashlib.sha256(content.strip()).hexdigest())
    return Received(X12, "", Delivery(key, filing.resources, left_out=filing.left_out))


def _read_message(content: bytes, source: str, store: InboxStore) -> Received:
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
    delivery = Delivery(key, tuple(to_resources(message, document, name)), replaced)
    return Received(message.kind, message.control_id, delivery)


def _read_document(content: bytes, source: str, store: InboxStore) -> Received:
    # Its converter takes a second to import, and most processes never need it.
    from subgraphs.connectors.ccda.documents import read_ccda  # noqa: PLC0415

    document = read_ccda(content, partial(store.name, source))
    header = document.header
    version = Version((*header.series, document.patient), header.version, header.written_at)
    # Against the standard, documents that were copied and filled in anew share their id.
    key = (C_CDA, *header.id, document.patient, str(header.version), header.written_at or "")
    delivery = Delivery(key, document.resources, version=version, left_out=document.left_out)
    return Received(C_CDA, "", delivery)
