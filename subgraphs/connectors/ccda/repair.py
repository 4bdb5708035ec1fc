"""What the converter would trip over or pass by is put into the shape it takes; no fact is changed.

Each repair stands for one thing that ccda-to-fhir 0.3 does not take, found in published documents.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from subgraphs.connectors.ccda.header import H, instance_ids
from subgraphs.connectors.ccda.statements import TEMPLATES, put_id, templates
from subgraphs.connectors.safe_xml import Element

_CONCERN: Final = f"{TEMPLATES}3"
_PROBLEM: Final = f"{TEMPLATES}4"
_ALSO: Final = {
    # Diagnoses at admission and discharge, before and after a procedure: problems in an act.
    **dict.fromkeys((f"{TEMPLATES}{each}" for each in (33, 34, 51, 65)), _CONCERN),
    # Tobacco use, as one more fact of the social history.
    f"{TEMPLATES}85": f"{TEMPLATES}38",
}
_OF_INTERVALS: Final = frozenset({_CONCERN, _PROBLEM, f"{TEMPLATES}30"})
"""Concerns about problems and allergies, and problems."""
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"


def repair(document: Element, tag_root: str) -> None:
    """Change the tagged document; `tag_root` is the root of the ids that were put in."""
    for observation in list(document.iterfind(f".//{H}entry/{H}observation")):
        if _PROBLEM in templates(observation):
            _put_in_act(observation)
    for element in document.iter(f"{H}act", f"{H}observation"):
        own = templates(element)
        for also in {_ALSO[each] for each in own & _ALSO.keys()} - own:
            element.insert(0, etree.Element(f"{H}templateId", root=also))
    for element in document.iter(f"{H}act", f"{H}observation"):
        if templates(element) & _OF_INTERVALS:
            _make_interval(element)
    _type_times(document)
    _name_nameless(document, tag_root)


def _put_in_act(observation: Element) -> None:
    """A problem that stands alone is read only inside of a concern."""
    high = observation.find(f"{H}effectiveTime/{H}high")
    is_over = high is not None and bool(high.get("value"))
    act = etree.Element(f"{H}act", classCode="ACT", moodCode="EVN")
    etree.SubElement(act, f"{H}templateId", root=_CONCERN)
    etree.SubElement(act, f"{H}code", code="CONC", codeSystem="2.16.840.1.113883.5.6")
    etree.SubElement(act, f"{H}statusCode", code="completed" if is_over else "active")
    observation.getparent().replace(observation, act)
    link = etree.SubElement(act, f"{H}entryRelationship", typeCode="SUBJ")
    link.append(observation)


def _make_interval(element: Element) -> None:
    """Where the standard has an interval, a point in time is its beginning; what lacks is unknown.

    Without, the whole document would be refused.
    """
    time = element.find(f"{H}effectiveTime")
    if time is None:
        time = etree.SubElement(element, f"{H}effectiveTime")
    if time.find(f"{H}low") is None:
        told = {"value": time.get("value")} if time.get("value") else {"nullFlavor": "UNK"}
        time.insert(0, etree.Element(f"{H}low", told))
        time.attrib.pop("value", None)
        time.attrib.pop(_TYPE, None)
    status = element.find(f"{H}statusCode")
    ended = status is not None and status.get("code") in ("completed", "aborted")
    if ended and element.tag == f"{H}act" and time.find(f"{H}high") is None:
        etree.SubElement(time, f"{H}high", nullFlavor="UNK")


def _type_times(document: Element) -> None:
    """A point in time would be read as an interval without ends."""
    for time in document.iterfind(f".//{H}substanceAdministration/{H}effectiveTime"):
        if time.get("value") and time.get(_TYPE) in (None, "IVL_TS", "SXCM_TS"):
            time.set(_TYPE, "TS")


def _name_nameless(document: Element, root: str) -> None:
    """A concern without an id would cost the whole document, a place the whole procedure."""
    places = document.iterfind(f".//{H}participant[@typeCode='LOC']/{H}participantRole")
    concerns = (each for each in document.iter(f"{H}act") if _CONCERN in templates(each))
    for number, element in enumerate([*places, *concerns]):
        if not instance_ids(element):
            put_id(element, root, f"unnamed-{number}")
