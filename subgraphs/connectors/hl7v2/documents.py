"""What an HL7 v2 message says, whichever kind it is; what is not read is refused by name."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from subgraphs.connectors.errors import Unsupported
from subgraphs.connectors.hl7v2.adt import Admission, read_admission
from subgraphs.connectors.hl7v2.message import Message, read_message
from subgraphs.connectors.hl7v2.oru import Results, read_results
from subgraphs.connectors.hl7v2.siu import STATUSES, Appointment, read_appointment

Document: TypeAlias = Admission | Results | Appointment
_CODE: Final = re.compile(r"[A-Z0-9]{3}")


def read_document(content: bytes) -> tuple[Message, Document]:
    """The message, and what it says.

    Raises `ProtocolViolation` for what cannot be read, `Unsupported` for what is not read here.
    """
    message = read_message(content)
    match message.kind, message.event:
        case "ADT", event if _CODE.fullmatch(event):
            return message, read_admission(message)
        case "ORU", "R01":
            return message, read_results(message)
        case "SIU", event if event in STATUSES:
            return message, read_appointment(message)
    raise Unsupported(f"HL7 v2 {_named(message.kind)}^{_named(message.event)}")


def _named(code: str) -> str:
    return code if _CODE.fullmatch(code) else "unknown"
