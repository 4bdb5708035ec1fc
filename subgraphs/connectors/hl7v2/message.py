"""Read an HL7 v2 message into segments, in its own delimiters and its own character set.

https://www.hl7.eu/HL7v2x/v251/std251/ch02.html
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import hl7

from subgraphs.connectors.errors import ProtocolViolation

# What it logs of an escape it does not know quotes the value.
logging.getLogger("hl7").setLevel(logging.CRITICAL + 1)

_BOM: Final = b"\xef\xbb\xbf"
_CHARSETS: Final = {
    "": "utf-8",
    "ASCII": "ascii",
    "8859/1": "iso8859-1",
    "8859/2": "iso8859-2",
    "8859/5": "iso8859-5",
    "8859/7": "iso8859-7",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UNICODE UTF-16": "utf-16",
}
"""MSH-18, table 0211; messages that name none are UTF-8 in practice."""
_ESCAPED: Final = {".br": "\n", ".sp": "\n"}
_CHARSET_FIELD: Final = 17
_SHORTEST: Final = len("MSH|^~\\&|")
_NULL: Final = '""'
"""What deletes a value; here it is as if nothing were there."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """One of the values of a field: components, each of subcomponents."""

    components: tuple[tuple[str, ...], ...]

    def text(self, component: int = 1, subcomponent: int = 1) -> str:
        """Both are counted from 1, as the standard does; empty where nothing stands."""
        if component > len(self.components):
            return ""
        parts = self.components[component - 1]
        return parts[subcomponent - 1] if subcomponent <= len(parts) else ""


@dataclass(frozen=True, slots=True)
class Segment:
    name: str
    fields: tuple[tuple[Repetition, ...], ...]

    def repeats(self, field: int) -> tuple[Repetition, ...]:
        """Those that tell something."""
        return self.fields[field - 1] if field <= len(self.fields) else ()

    def text(self, field: int, component: int = 1, subcomponent: int = 1) -> str:
        """Of the first repetition."""
        repeats = self.repeats(field)
        return repeats[0].text(component, subcomponent) if repeats else ""


@dataclass(frozen=True, slots=True)
class Message:
    kind: str
    """MSH-9.1: ADT, ORU, SIU, …"""
    event: str
    """MSH-9.2: A01, R01, S12, …"""
    control_id: str
    sender: str
    """MSH-3 and MSH-4: together with the control id what makes a message the same one again."""
    sent_at: str
    """MSH-7, as it stands."""
    segments: tuple[Segment, ...]

    def first(self, name: str) -> Segment | None:
        return next((segment for segment in self.segments if segment.name == name), None)


def read_message(content: bytes) -> Message:
    """Raises `ProtocolViolation` for what is no message."""
    segments = _segments(_decode(content))
    head = segments[0]
    return Message(
        kind=head.text(9),
        event=head.text(9, 2),
        control_id=head.text(10),
        sender=f"{head.text(3)}|{head.text(4)}",
        sent_at=head.text(7),
        segments=segments,
    )


def split_at(segments: tuple[Segment, ...], *heads: str) -> list[list[Segment]]:
    """What stands before the first head, and then one part for each head."""
    parts: list[list[Segment]] = [[]]
    for segment in segments:
        if segment.name in heads:
            parts.append([])
        parts[-1].append(segment)
    return parts


def _decode(content: bytes) -> str:
    """The text with one line for each segment."""
    raw = content.removeprefix(_BOM).replace(b"\r\n", b"\r").replace(b"\n", b"\r")
    head = raw.lstrip().split(b"\r", 1)[0]
    if not head.startswith(b"MSH") or len(head) < _SHORTEST:
        raise ProtocolViolation("this is no HL7 v2 message: it does not begin with MSH")
    fields = head.split(head[3:4])
    named = fields[_CHARSET_FIELD] if len(fields) > _CHARSET_FIELD else b""
    charset = _CHARSETS.get(named.split(head[5:6])[0].decode("ascii", "replace").strip().upper())
    if charset is None:
        raise ProtocolViolation("the HL7 v2 message names a character set that is not read here")
    try:
        return raw.decode(charset).strip("\r\n ")
    except UnicodeError:
        raise ProtocolViolation("the HL7 v2 message is not in the character set it names") from None


def _segments(text: str) -> tuple[Segment, ...]:
    lines = [line for line in text.split("\r") if line.strip()]
    try:
        parsed = hl7.parse("\r".join(lines) + "\r")
        return tuple(_read(parsed, segment) for segment in parsed)
    except Exception:  # noqa: BLE001 - it trips over damage in many ways, and quotes what it reads
        raise ProtocolViolation("the HL7 v2 message cannot be read") from None


def _read(message: hl7.Message, segment: hl7.Segment) -> Segment:
    name = str(segment[0]).strip()
    # MSH-1 and MSH-2 hold the delimiters themselves.
    first = 3 if name == "MSH" else 1
    plain = tuple((Repetition(((str(field),),)),) for field in segment[1:first])
    return Segment(name, plain + tuple(_read_field(message, field) for field in segment[first:]))


def _read_field(message: hl7.Message, field: hl7.Field) -> tuple[Repetition, ...]:
    repetitions = (Repetition(tuple(_components(message, each))) for each in field)
    return tuple(each for each in repetitions if any(map(any, each.components)))


def _components(
    message: hl7.Message, repetition: hl7.Repetition | str
) -> Iterator[tuple[str, ...]]:
    for component in [repetition] if isinstance(repetition, str) else repetition:
        parts = [component] if isinstance(component, str) else component
        yield tuple(_text(message, str(part)) for part in parts)


def _text(message: hl7.Message, raw: str) -> str:
    text = raw.strip()
    if text == _NULL:
        return ""
    if message.esc not in text:
        return text
    try:
        return str(message.unescape(text, _ESCAPED))
    except Exception:  # noqa: BLE001 - as above
        # For example a change of the character set inside of a value: it stays as it was sent.
        return text
