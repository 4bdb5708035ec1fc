"""What a search parameter is, and what it reads from a resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from sandbox.fhir.dates import Span, span_of

Resource: TypeAlias = dict[str, Any]


class Kind(StrEnum):
    TOKEN = "token"  # noqa: S105 - the standard's word for a code
    REFERENCE = "reference"
    DATE = "date"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """`paths` are dotted, alternatives side by side; lists on the way are walked through.

    `target` narrows a reference to one type, as `patient` does where `subject` would not.
    """

    code: str
    kind: Kind
    paths: tuple[str, ...]
    target: str | None = None


# What a resource offers to one parameter, in the form its kind compares.
Token: TypeAlias = tuple[str | None, str]
Values: TypeAlias = tuple[Token, ...] | tuple[str, ...] | tuple[Span, ...]


def values(resource: Resource, parameter: SearchParameter) -> Values:
    found = [element for path in parameter.paths for element in _walk(resource, path)]
    match parameter.kind:
        case Kind.TOKEN:
            return tuple(token for element in found for token in _tokens(element))
        case Kind.REFERENCE:
            references = [e.get("reference", "") for e in found if isinstance(e, dict)]
            wanted = f"{parameter.target}/" if parameter.target else ""
            return tuple(r for r in references if r and r.startswith(wanted))
        case Kind.DATE:
            return tuple(span_of(element) for element in found)
        case Kind.STRING:
            return tuple(element for element in found if isinstance(element, str))


def _walk(node: Any, path: str) -> Iterator[Any]:
    head, _, rest = path.partition(".")
    child = node.get(head) if isinstance(node, dict) else None
    for item in child if isinstance(child, list) else (child,):
        if item is not None:
            if rest:
                yield from _walk(item, rest)
            else:
                yield item


def _tokens(element: Any) -> Iterator[Token]:
    """https://hl7.org/fhir/R4/search.html#token"""
    match element:
        case bool():
            yield None, str(element).lower()
        case str():
            yield None, element
        case {"coding": list(codings)}:
            for coding in codings:
                yield coding.get("system"), coding.get("code", "")
        case {"value": value}:
            yield element.get("system"), value
        case {"code": code}:
            yield element.get("system"), code
