"""The clinical statements of a document, each with a tag that the converter carries along.

Ids in documents repeat, for one fact told twice and, against the standard, for different ones. So
each statement gets one more id before its own, of a root nobody can know, and what the converter
makes tells by its identifier which statement it was made of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from lxml import etree

from subgraphs.connectors.ccda.header import H, instance_ids
from subgraphs.connectors.safe_xml import Element

TEMPLATES: Final = "2.16.840.1.113883.10.20.22.4."
ENTRY_REFERENCE: Final = f"{TEMPLATES}122"
HEADER_ENCOUNTER: Final = f"{H}encompassingEncounter"
STATEMENTS: Final = frozenset(
    f"{H}{name}"
    for name in (
        "act",
        "encounter",
        "observation",
        "organizer",
        "procedure",
        "substanceAdministration",
        "supply",
    )
)
_BEFORE_ID: Final = frozenset(f"{H}{name}" for name in ("realmCode", "typeId", "templateId"))


@dataclass(frozen=True, slots=True)
class Statement:
    element: Element
    name: tuple[str, ...]
    """What tells it from all others of the document, in this and in later versions."""


@dataclass(frozen=True, slots=True)
class Tagged:
    root: str
    """Of the ids that were put in, as a dotted object identifier."""
    statements: dict[str, Statement]
    """By the extension of their tag."""


def tag_statements(document: Element) -> Tagged:
    """Change the document: one more id in each statement, and in what refers to one."""
    elements = [each for each in document.iter() if is_statement(each)]
    referring = [each for each in elements if ENTRY_REFERENCE in templates(each)]
    telling = [each for each in elements if ENTRY_REFERENCE not in templates(each)]
    names = list(_names(telling))
    owners: dict[tuple[str, str], list[str]] = {}
    for number, element in enumerate(telling):
        for own in instance_ids(element):
            owners.setdefault(own, []).append(str(number))
    root = f"2.25.{uuid4().int}"
    for number, element in enumerate(telling):
        put_id(element, root, str(number))
    for element in referring:
        meant = [owners.get(own, []) for own in instance_ids(element)]
        if meant and len(meant[0]) == 1:
            put_id(element, root, meant[0][0])
    pairs = zip(telling, names, strict=True)
    found = {str(number): Statement(*pair) for number, pair in enumerate(pairs)}
    return Tagged(root, found)


def is_statement(element: Element) -> bool:
    return element.tag in STATEMENTS or element.tag == HEADER_ENCOUNTER


def templates(element: Element) -> set[str]:
    return {each.get("root", "") for each in element.findall(f"{H}templateId")}


def put_id(element: Element, root: str, extension: str) -> None:
    """Before all others, in the place where the schema has it."""
    before = [place for place, child in enumerate(element) if child.tag in _BEFORE_ID]
    tag = etree.Element(f"{H}id", root=root, extension=extension)
    element.insert(before[-1] + 1 if before else 0, tag)


def _names(elements: list[Element]) -> Iterator[tuple[str, ...]]:
    """By the first id; where that tells several alike, by what they say; else by their order."""
    firsts = [(each.tag, *next(iter(instance_ids(each)), ("", ""))) for each in elements]
    shared = Counter(firsts)
    contents = [
        () if first[1] and shared[first] == 1 else _content(element)
        for first, element in zip(firsts, elements, strict=True)
    ]
    seen: Counter[tuple[str, ...]] = Counter()
    for first, content in zip(firsts, contents, strict=True):
        name = (etree.QName(first[0]).localname, *first[1:], *content)
        yield (*name, str(seen[name]))
        seen[name] += 1


def _content(element: Element) -> tuple[str, ...]:
    """Codes and times of the statement itself, not of those inside of it; no measured value."""
    return tuple(
        f"{etree.QName(each).localname}:{each.get(attribute)}"
        for each in _own(element)
        for attribute in ("code", "value", "nullFlavor")
        if each.get(attribute) and _tells_apart(each, attribute)
    )


def _own(element: Element) -> Iterator[Element]:
    for child in element:
        if not is_statement(child):
            yield child
            yield from _own(child)


def _tells_apart(element: Element, attribute: str) -> bool:
    name = etree.QName(element).localname
    if attribute == "code":
        # What has a status may get another one, and is the same thing then.
        return name not in {"statusCode", "interpretationCode"}
    return name in {"effectiveTime", "low", "high", "center"}
