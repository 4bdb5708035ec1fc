"""The one place that calls ccda-to-fhir: quietly, one document at a time, its errors unquoted."""

from __future__ import annotations

import logging
from copy import deepcopy
from threading import Lock
from typing import Any, Final, TypeAlias

from ccda_to_fhir import convert_document
from ccda_to_fhir.ccda.models.section import Entry
from ccda_to_fhir.ccda.parser import parse_ccda_fragment
from lxml import etree

from subgraphs.connectors.ccda.header import H
from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.safe_xml import Element

Resource: TypeAlias = dict[str, Any]

_LIBRARY: Final = "ccda_to_fhir"
_ONE_AT_A_TIME: Final = Lock()
"""The library keeps the ids of the document it is at in a global."""


def silence() -> None:
    """Its loggers quote the document, and each has a handler of its own to the standard output."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == _LIBRARY:
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = False
            logger.setLevel(logging.CRITICAL + 1)


silence()


def convert(document: Element) -> list[Resource]:
    """Every resource the library makes. Raises `ProtocolViolation` where it makes nothing.

    It refuses whole documents for one entry that breaks a rule: then the others are read alone.
    """
    with _ONE_AT_A_TIME:
        bundle = _try(document) or _try(_without_damaged(document))
    if bundle is None:
        raise ProtocolViolation("the C-CDA document cannot be read")
    return [dict(entry["resource"]) for entry in bundle["entry"]]


def _try(document: Element) -> Resource | None:
    try:
        return dict(convert_document(etree.tostring(document, encoding="unicode"))["bundle"])
    except Exception:  # noqa: BLE001 - it trips over damage in many ways, and quotes what it reads
        return None


def _without_damaged(document: Element) -> Element:
    whole = deepcopy(document)
    for entry in list(whole.iter(f"{H}entry")):
        try:
            parse_ccda_fragment(etree.tostring(entry, encoding="unicode"), Entry)
        except Exception:  # noqa: BLE001 - as above
            entry.getparent().remove(entry)
    return whole
