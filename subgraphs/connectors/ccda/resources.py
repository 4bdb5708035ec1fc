"""The converter's resources under ids that last, with references that lead somewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from subgraphs.connectors.ccda.conversion import Resource
from subgraphs.connectors.ccda.correction import correct
from subgraphs.connectors.ccda.header import H, confidentiality_of, instance_ids
from subgraphs.connectors.ccda.statements import Statement, Tagged
from subgraphs.connectors.hl7v2.fhir.elements import Namer, filled, reference

PATIENT: Final = "Patient"
KEPT: Final = (
    PATIENT,
    "Encounter",
    "Condition",
    "AllergyIntolerance",
    "Procedure",
    "Immunization",
    "Observation",
    "DiagnosticReport",
)
"""What the subgraphs read; of people, places and devices stays what is displayed of them."""
_PATIENTS: Final = frozenset({"AllergyIntolerance", "Immunization"})
"""They call their subject `patient`."""
_CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_URN: Final = "urn:uuid:"


@dataclass(frozen=True, slots=True)
class Origin:
    """What all resources of a document share."""

    name: Namer
    patient: str
    series: tuple[str, ...]
    written_at: str | None
    confidentiality: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    resource: Resource
    made_of: frozenset[str]
    """Tags of statements."""


def keep(resources: Sequence[Resource], tagged: Tagged, origin: Origin) -> list[Kept]:
    """Those of the kept types, the patient first."""
    found = [each for each in resources if each["resourceType"] in KEPT]
    found.sort(key=lambda each: KEPT.index(each["resourceType"]))
    tags = [frozenset(_tags(each, tagged.root)) for each in found]
    ids = list(_ids(found, tags, tagged, origin))
    references = {
        each.get("id", ""): {"reference": f"{each['resourceType']}/{id_}"}
        for each, id_ in zip(found, ids, strict=True)
    }
    others = (each for each in resources if each.get("id", "") not in references)
    shown = {each.get("id", ""): _shown(each) for each in others}
    kept = []
    for each, id_, own in zip(found, ids, tags, strict=True):
        moved = _moved(correct(each), {**shown, **references})
        of = [tagged.statements[tag] for tag in sorted(own, key=int)]
        kept.append(Kept(_finished(moved, id_, of, tagged.root, origin), own))
    return kept


def _tags(resource: Resource, root: str) -> Iterator[str]:
    for identifier in resource.get("identifier", ()):
        if _is_tag(identifier, root):
            # Of the encounter of the header, root and extension are one text.
            extension = identifier["value"].removeprefix(f"{root}:")
            if extension.isdigit():
                yield extension


def _is_tag(identifier: Resource, root: str) -> bool:
    system, value = identifier.get("system", ""), identifier.get("value", "")
    return bool(system == f"urn:oid:{root}" or value.startswith(f"{root}:"))


def _ids(
    resources: Sequence[Resource],
    tags: Sequence[frozenset[str]],
    tagged: Tagged,
    origin: Origin,
) -> Iterator[str]:
    seen: Counter[tuple[str, ...]] = Counter()
    for resource, own in zip(resources, tags, strict=True):
        type_ = resource["resourceType"]
        if type_ == PATIENT:
            yield origin.patient
            continue
        statement = tagged.statements[min(own, key=int)].name if own else ()
        what = (type_, *statement)
        yield origin.name("c-cda", *origin.series, *what, str(seen[what]))
        seen[what] += 1


def _shown(resource: Resource) -> Resource:
    """A reference to what is not kept: its name, or at least of what kind it is."""
    type_ = resource["resourceType"]
    names = resource.get("name") or resource.get("deviceName") or ()
    for name in [names] if isinstance(names, str | dict) else names:
        if isinstance(name, str):
            return {"display": name}
        parts = (*name.get("given", ()), name.get("family", ""))
        told = name.get("text") or name.get("name") or " ".join(filter(None, parts))
        if told:
            return {"display": told}
    code = resource.get("code") or resource.get("medicationCodeableConcept") or {}
    return filled(display=code.get("text")) or {"type": type_}


def _moved(value: Any, targets: Mapping[str, Resource]) -> Any:
    """Every reference leads to what is kept, or shows what it led to; numbers are exact."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list | tuple):
        return [_moved(each, targets) for each in value]
    if not isinstance(value, dict):
        return value
    led_to = value.get("reference")
    if isinstance(led_to, str):
        id_ = led_to.removeprefix(_URN).rpartition("/")[2]
        shown = filled(display=value.get("display"))
        target = targets.get(id_, {"display": "not told"})
        return {**target, **shown} if "reference" in target else shown or target
    return {name: _moved(each, targets) for name, each in value.items()}


def _finished(
    resource: Resource, id_: str, made_of: Sequence[Statement], root: str, origin: Origin
) -> Resource:
    own = [each for each in resource.get("identifier", ()) if not _is_tag(each, root)]
    if not own:
        own = [
            _identifier(*each)
            for statement in made_of
            for each in instance_ids(statement.element)
            if each[0] != root
        ]
    meta = {**resource.get("meta", {}), "lastUpdated": origin.written_at}
    others = {name: value for name, value in resource.items() if name not in ("text", "identifier")}
    quantity = others.get("valueQuantity")
    if quantity is not None and len(made_of) == 1:
        others["valueQuantity"] = _as_written(quantity, made_of[0])
    if resource["resourceType"] != PATIENT:
        # A document is about one person, whatever a reference in it says.
        subject = "patient" if resource["resourceType"] in _PATIENTS else "subject"
        others[subject] = reference(PATIENT, origin.patient)
        # Who somebody is, is no more secret for what else the document tells.
        meta["security"] = list(_labels(made_of, origin))
    return {**others, "id": id_, **filled(meta=filled(**meta), identifier=own)}


def _labels(made_of: Sequence[Statement], origin: Origin) -> Iterator[Resource]:
    """As the nearest section says that says it, or else the document."""
    sections = (
        section for each in made_of for section in each.element.iterancestors(f"{H}section")
    )
    own = (code for section in sections if (code := confidentiality_of(section)))
    code = next(own, origin.confidentiality)
    if code:
        yield {"system": _CONFIDENTIALITY, "code": code}


def _identifier(root: str, extension: str) -> Resource:
    urn = f"urn:oid:{root}" if root.replace(".", "").isdigit() else f"{_URN}{root}"
    return {"system": urn, "value": extension} if extension else {"value": urn}


def _as_written(quantity: Resource, statement: Statement) -> Resource:
    """`7.10` is not `7.1`: how exact a number is, its digits tell."""
    value = statement.element.find(f"{H}value")
    try:
        written = Decimal(value.get("value", "") if value is not None else "")
    except InvalidOperation:
        return quantity
    return {**quantity, "value": written} if written == quantity.get("value") else quantity
