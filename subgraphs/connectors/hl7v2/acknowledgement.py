"""What a sender is answered: an ACK that repeats the number of its message.

https://www.hl7.eu/HL7v2x/v251/std251/ch02.html#Heading18
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Final

_PLAIN: Final = re.compile(r"[|^~\\&\r\n]")


class Verdict(StrEnum):
    ACCEPTED = "AA"
    FAILED = "AE"
    """It may be sent again."""
    REFUSED = "AR"
    """It will not be taken, however often it is sent."""


def acknowledge(verdict: Verdict, control_id: str, at: datetime, text: str = "") -> bytes:
    """`text` says what is wrong, and quotes nothing of the message."""
    number, said = _PLAIN.sub(" ", control_id), _PLAIN.sub(" ", text)
    head = f"MSH|^~\\&|CHARTGRAPH||||{at:%Y%m%d%H%M%S%z}||ACK|{number}|P|2.5.1"
    return f"{head}\rMSA|{verdict}|{number}|{said}\r".encode()
