"""Parse XML that somebody sent: nothing is fetched, nothing expands, nothing is quoted."""

from __future__ import annotations

import codecs
import re
from typing import Any, Final, TypeAlias

from lxml import etree

from subgraphs.connectors.errors import ProtocolViolation

Element: TypeAlias = Any
"""Of lxml, which ships without types."""

MAX_BYTES: Final = 4 * 1024 * 1024
"""As much as the route takes; published documents have up to a few hundred kilobytes."""
MAX_DEPTH: Final = 64
"""Published documents nest up to 25 deep."""
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSETS: Final = frozenset({"utf-8", "us-ascii", "ascii", "iso-8859-1", "windows-1252"})
_DECLARATION: Final = re.compile(r"\s*<\?xml\s[^>]*?\?>")
_ENCODING: Final = re.compile(rb"""\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


def parse_safely(content: bytes) -> Element:
    """The root. Raises `ProtocolViolation` for what is no XML, or might do harm as such."""
    if len(content) > MAX_BYTES:
        raise ProtocolViolation(f"the document has more than {MAX_BYTES // 1024 // 1024} MiB")
    # The declaration goes: it speaks of bytes, and this is text.
    text = _DECLARATION.sub("", _decode(content), count=1)
    if _declares_type(text):
        raise ProtocolViolation("the document has a document type (DTD), which is not accepted")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise ProtocolViolation("the document is not well-formed XML") from None
    _check_depth(root)
    return root


def _decode(content: bytes) -> str:
    bom, charset = next((each for each in _BOMS if content.startswith(each[0])), (b"", ""))
    if not bom:
        declared = _ENCODING.match(content)
        charset = declared[1].decode("ascii").lower() if declared else "utf-8"
        if charset not in _CHARSETS:
            raise ProtocolViolation("the document names a character set that is not read here")
    try:
        return content[len(bom) :].decode(charset)
    except UnicodeError:
        raise ProtocolViolation("the document is not in the character set it names") from None


def _declares_type(text: str) -> bool:
    """Whether a DTD stands before the root: only there may it stand, after comments and such.

    https://www.w3.org/TR/xml/#NT-prolog
    """
    at = 0
    while True:
        while text[at : at + 1].isspace():
            at += 1
        for start, end in (("<!--", "-->"), ("<?", "?>")):
            if text.startswith(start, at):
                closed = text.find(end, at + len(start))
                if closed < 0:
                    return False
                at = closed + len(end)
                break
        else:
            return text.startswith("<!", at)


def _check_depth(root: Element) -> None:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise ProtocolViolation(f"the document nests more than {MAX_DEPTH} elements deep")
