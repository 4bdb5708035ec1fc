"""Elements of a resource by their paths, read from its raw JSON, and what the graph shows of them.

Written without our models, so that what these leave out is found here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
OpenId: TypeAlias = Callable[[str, str, str], tuple[str, str] | None]
"""The type and id behind a sealed id, given the subgraph, the type and the id."""


def elements(resource: Json, path: str) -> list[Any]:
    """Every value at a dotted path; lists on the way are walked through."""
    found: list[Any] = [resource]
    for segment in path.split("."):
        found = [value for each in found for value in _children(each, segment)]
    return found


def _children(element: Any, segment: str) -> Iterator[Any]:
    if not isinstance(element, dict):
        return
    name, _, rest = segment.partition("(")
    if name == "extension":
        for extension in element.get("extension", ()):
            if str(extension.get("url")).endswith(rest.rstrip(")")):
                yield extension
        return
    if rest:
        for reference in _children(element, name):
            if reference.get("reference", "").startswith(rest.rstrip(")")):
                yield reference
        return
    if name.endswith("[x]"):
        stem = name.removesuffix("[x]")
        names = [key for key in element if key.startswith(stem) and key[len(stem) :][:1].isupper()]
    else:
        names = [name]
    for key in names:
        value = element.get(key)
        yield from value if isinstance(value, list) else [value] if value is not None else []


def shown(node: Any, path: str) -> list[Any]:
    """Every value the graph shows at a dotted path of response keys."""
    found: list[Any] = [node]
    for segment in path.split("."):
        found = [
            value
            for each in found
            if isinstance(each, dict)
            for value in _flat(each.get(segment))
            if value is not None
        ]
    return found


def _flat(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Kind:
    """How one kind of value is asked for, and whether what is shown says what was recorded."""

    selection: str
    says: Callable[[Any, Any, OpenId], bool]
    leads: bool = False
    """Whether it is a reference, shown by the node it leads to."""


def _texts(raw: Any, told: Any, _: OpenId) -> bool:
    return _text(raw) == _text(told)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _all_of(*names: str) -> Callable[[Any, Any, OpenId], bool]:
    """Every one of these parts that was recorded is shown as it was."""

    def says(raw: Any, told: Any, _: OpenId) -> bool:
        return all(_text(raw[name]) == _text(told.get(name)) for name in names if name in raw)

    return says


def _code(raw: Any, told: Any, _: OpenId) -> bool:
    return told in [coding.get("code") for coding in raw.get("coding", ())]


def _concept(raw: Any, told: Any, open_id: OpenId) -> bool:
    same = KINDS["coding"].says
    return ("text" not in raw or raw["text"] == told["text"]) and all(
        any(same(coding, each, open_id) for each in told["coding"])
        for coding in raw.get("coding", ())
    )


def _range(raw: Any, told: Any, open_id: OpenId) -> bool:
    same = KINDS["quantity"].says
    return all(same(raw[end], told[end] or {}, open_id) for end in ("low", "high") if end in raw)


def _party(raw: Any, told: Any, open_id: OpenId) -> bool:
    if "display" in raw and raw["display"] != told["display"]:
        return False
    type_ = raw.get("reference", "").partition("/")[0]
    if type_ in LISTED:
        leads = told[{"PractitionerRole": "practitioner"}.get(type_, type_.lower())]
        return leads is not None and open_id("party", type_, leads["reference"]) == (
            type_,
            raw["reference"],
        )
    return type_ in ("", told["type"]) or type_.startswith("#")


def _named(raw: Any, told: Any, _: OpenId) -> bool:
    """As a party, by whoever finds it itself: there is no key of another."""
    type_ = raw.get("reference", "").partition("/")[0]
    return raw.get("display") in (None, told["display"]) and type_ in ("", told["type"])


def _node(subgraph: str) -> Kind:
    def says(raw: Any, told: Any, open_id: OpenId) -> bool:
        type_, _, id_ = raw["reference"].partition("/")
        return open_id(subgraph, type_, told["id"]) == (type_, id_)

    return Kind("{ id }", says, leads=True)


LISTED = ("Practitioner", "PractitionerRole", "Organization", "Location")
"""Those whom the directory finds: how the record names them has to travel."""
PARTY = """{ type display practitioner { reference } organization { reference }
  location { reference } }"""
CODING = "{ system code display version }"
QUANTITY = "{ value comparator unit system code }"
KINDS: Mapping[str, Kind] = {
    "text": Kind("", _texts),
    "coding": Kind(CODING, _all_of("system", "code", "display", "version")),
    "concept": Kind(f"{{ text coding {CODING} }}", _concept),
    "code": Kind("", _code),
    "quantity": Kind(QUANTITY, _all_of("value", "comparator", "unit", "system", "code")),
    "range": Kind(f"{{ low {QUANTITY} high {QUANTITY} }}", _range),
    "period": Kind("{ start end }", _all_of("start", "end")),
    "identifier": Kind("{ system value }", _all_of("system", "value")),
    "party": Kind(PARTY, _party),
    "named": Kind("{ type display }", _named),
    "reference": Kind("", lambda raw, told, _: raw["reference"].rpartition("/")[2] == told),
    "money": Kind("{ value currency }", _all_of("value", "currency")),
    **{
        subgraph: _node(subgraph)
        for subgraph in (
            "records",
            "diagnostics",
            "medications",
            "coverage",
            "scheduling",
            "directory",
        )
    },
}
"""`reference` compares the id of a patient, whose enterprise id is here that of her record; the
name of a subgraph the sealed id of one of its nodes."""
