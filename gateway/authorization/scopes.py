"""Does what a token was granted cover what a field requires?

SMART scopes are compared by what they mean, in both notations; any other scope is a plain string.
Clinical scopes: `(patient|user|system)/(Type|*).(c?r?u?d?s?)[?param=value&…]`; the first version's
`.read`, `.write` and `.*` are `rs`, `cud` and `cruds`.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus

_CLINICAL = re.compile(
    r"(?P<context>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z0-9]*)"
    r"\.(?P<letters>read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(?P<query>.+))?"
)
_FIRST_VERSION = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True, slots=True)
class ClinicalScope:
    context: str
    type: str
    """A FHIR resource type, or `*` for all of them."""
    letters: frozenset[str]
    params: frozenset[tuple[str, str]] = frozenset()
    """Decoded; every one narrows the scope to the records it matches."""


@lru_cache(maxsize=4096)
def parse_scope(text: str) -> ClinicalScope | None:
    """`None` for what is no clinical scope: `openid`, `launch/patient`, `read:orders`, …"""
    match = _CLINICAL.fullmatch(text)
    if match is None:
        return None
    params = _parse_params(match["query"])
    if params is None:
        return None
    letters = _FIRST_VERSION.get(match["letters"], match["letters"])
    return ClinicalScope(match["context"], match["type"], frozenset(letters), params)


def covers(granted: Collection[str], required: str) -> bool:
    """Whether the scopes of a token, taken together, allow what `required` asks for.

    At the level of fields: a granted scope with parameters opens the field, and the subgraph
    leaves out the records that its parameters do not match.
    """
    wanted = parse_scope(required)
    if wanted is None:
        return required in granted
    missing = set(wanted.letters)
    for text in granted:
        scope = parse_scope(text)
        if scope is not None and _reaches(scope, wanted):
            missing -= scope.letters
    return not missing


def _reaches(scope: ClinicalScope, wanted: ClinicalScope) -> bool:
    """Whether it is about the same records, letters aside."""
    return (
        scope.context == wanted.context
        and scope.type in ("*", wanted.type)
        and (not wanted.params or scope.params <= wanted.params)
    )


def _parse_params(query: str | None) -> frozenset[tuple[str, str]] | None:
    if query is None:
        return frozenset()
    pairs = [part.partition("=") for part in query.split("&")]
    if any(not name or not equals or not value for name, equals, value in pairs):
        return None
    return frozenset((unquote_plus(name), unquote_plus(value)) for name, _, value in pairs)
