"""What a document tells and the inbox does not keep: by kind, in numbers, without content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lxml import etree

from subgraphs.connectors.ccda.header import H
from subgraphs.connectors.ccda.resources import Kept
from subgraphs.connectors.ccda.statements import (
    HEADER_ENCOUNTER,
    TEMPLATES,
    Tagged,
    is_statement,
    templates,
)
from subgraphs.connectors.safe_xml import Element

_FACTS: Final = {
    f"{TEMPLATES}{template}": type_
    for type_, those in {
        "AllergyIntolerance": (7,),
        "Condition": (4,),
        "DiagnosticReport": (1,),
        "Encounter": (49,),
        "Immunization": (52,),
        "Observation": (2, 27, 38, 78, 85),
        "Procedure": (12, 13, 14),
    }.items()
    for template in those
}
"""Statements of the kinds that are kept, and what they become."""
_OTHERS: Final = {
    f"{TEMPLATES}{template}": kind
    for kind, those in {
        "advance directive": (48, 108),
        "care team": (500,),
        "coverage": (60,),
        "device": (135, 50),
        "family history": (45,),
        "functional status": (66, 67, 68, 128),
        "goal": (121,),
        "medication": (16, 17, 18, 35),
        "note": (202,),
        "plan": (39, 40, 41, 42, 43, 44, 120, 146),
        "preference": (143,),
    }.items()
    for template in those
}
_EVENTS: Final = frozenset({"", "EVN"})
_BLOOD_PRESSURES: Final = frozenset({"8480-6", "8462-4"})
"""The two are one observation of two components."""


def left_out(document: Element, tagged: Tagged, kept: Sequence[Kept]) -> Mapping[str, int]:
    """A fact that should have become a resource counts by its type, any other entry by its kind."""
    made = {tag for each in kept for tag in each.made_of}
    told = {statement.element for tag, statement in tagged.statements.items() if tag in made}
    told |= set(_told_together(told))
    types = {each.resource["resourceType"] for each in kept}
    counts: Counter[str] = Counter()
    for statement in tagged.statements.values():
        type_ = _expected(statement.element)
        if type_ is not None and not _is_told(statement.element, told, types):
            counts[type_] += 1
    counts.update(
        _kind(child)
        for entry in document.iter(f"{H}entry")
        for child in entry
        if is_statement(child) and not any(_concerns(each, told) for each in child.iter())
    )
    counts["section of text alone"] += sum(map(_is_text_alone, document.iter(f"{H}section")))
    counts["unstructured body"] += sum(1 for _ in document.iter(f"{H}nonXMLBody"))
    return {kind: count for kind, count in sorted(counts.items()) if count}


def _expected(element: Element) -> str | None:
    if element.tag == HEADER_ENCOUNTER:
        return "Encounter"
    if element.get("moodCode", "") not in _EVENTS:
        return None
    return next((_FACTS[each] for each in templates(element) if each in _FACTS), None)


def _told_together(told: set[Element]) -> Iterator[Element]:
    """Blood pressures that stand beside one that was told: both are in its observation."""
    organizers = {each.getparent().getparent() for each in told if _code(each) in _BLOOD_PRESSURES}
    for organizer in organizers:
        if organizer is not None and organizer.tag == f"{H}organizer":
            for each in organizer.iterfind(f"{H}component/{H}observation"):
                if _code(each) in _BLOOD_PRESSURES:
                    yield each


def _is_told(element: Element, told: set[Element], types: set[str]) -> bool:
    # The converter joins the encounter of the header with one of the body, of a day or number.
    return element in told or (element.tag == HEADER_ENCOUNTER and "Encounter" in types)


def _code(element: Element) -> str:
    code = element.find(f"{H}code")
    return code.get("code", "") if code is not None else ""


def _concerns(element: Element, told: set[Element]) -> bool:
    """Whether it is told, or was counted for itself."""
    return element in told or (is_statement(element) and _expected(element) is not None)


def _kind(element: Element) -> str:
    known: Iterator[str] = (_OTHERS[each] for each in templates(element) if each in _OTHERS)
    return next(known, f"other {etree.QName(element).localname}")


def _is_text_alone(section: Element) -> bool:
    """It says that there is nothing to say, where it has a null flavour."""
    inside = {child.tag for child in section}
    if section.get("nullFlavor"):
        return False
    return f"{H}text" in inside and not inside & {f"{H}entry", f"{H}component"}
