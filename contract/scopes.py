"""SMART scopes, read once for both sides: the gateway decides fields by them, subgraphs records.

Clinical scopes: `(patient|user|system)/(Type|*).(c?r?u?d?s?)[?param=value&…]`; the first version's
`.read`, `.write` and `.*` are `rs`, `cud` and `cruds`.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, cast
from urllib.parse import unquote_plus

Level: TypeAlias = Literal["patient", "user", "system"]

_CLINICAL = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z0-9]*)"
    r"\.(?P<letters>read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(?P<query>.+))?"
)
_FIRST_VERSION = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True, slots=True)
class ClinicalScope:
    level: Level
    type: str
    """A FHIR resource type, or `*` for all of them."""
    letters: frozenset[str]
    params: tuple[tuple[str, str], ...] = ()
    """Decoded and sorted; each narrows the scope to the records it matches, a comma in a value
    standing for alternatives."""

    def names(self, type_: str) -> bool:
        return self.type in ("*", type_)


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
    return ClinicalScope(cast("Level", match["level"]), match["type"], frozenset(letters), params)


def _parse_params(query: str | None) -> tuple[tuple[str, str], ...] | None:
    if query is None:
        return ()
    pairs = [part.partition("=") for part in query.split("&")]
    if any(not name or not equals or not value for name, equals, value in pairs):
        return None
    return tuple(sorted((unquote_plus(name), unquote_plus(value)) for name, _, value in pairs))
