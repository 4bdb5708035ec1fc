"""SMART scopes, read once for both sides: the gateway decides fields by them, subgraphs records.

Scopes on FHIR resources: `(patient|user|system)/(Type|*).(c?r?u?d?s?)[?param=value&…]`; the first
version's `.read`, `.write` and `.*` are `rs`, `cud` and `cruds`, and have no parameters.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, cast
from urllib.parse import unquote_to_bytes

Level: TypeAlias = Literal["patient", "user", "system"]

URI_PREFIX = "http://smarthealthit.org/fhir/scopes/"
"""Where scopes have to be written as URIs."""
_CLINICAL = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]*)"
    r"\.(?:(?P<first>read|write|\*)|(?P<letters>(?=[cruds])c?r?u?d?s?)(?:\?(?P<query>.+))?)",
    re.ASCII,
)
_LIKE_CLINICAL = re.compile(r"(?:patient|user|system)/", re.IGNORECASE)
_FIRST_VERSION = {"read": "rs", "write": "cud", "*": "cruds"}
# A parameter's name, a modifier or chain within it: https://hl7.org/fhir/R4/search.html
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*", re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# https://hl7.org/fhir/R4/search.html#escaping
_ALTERNATIVE = re.compile(r"(?:[^\\,]|\\.?)+")
# An escaped bar stays escaped: a code that holds one must not be taken for a system and a code.
_ESCAPED = re.compile(r"\\([,$\\])")


@dataclass(frozen=True, slots=True)
class ClinicalScope:
    level: Level
    type: str
    """A FHIR resource type, or `*` for all of them."""
    letters: frozenset[str]
    params: tuple[tuple[str, str], ...] = ()
    """Decoded and sorted; each narrows the scope to the records that meet one of the value's
    `alternatives`."""

    def names(self, type_: str) -> bool:
        return self.type in ("*", type_)


@lru_cache(maxsize=4096)
def parse_scope(text: str) -> ClinicalScope | None:
    """`None` for what is no scope on FHIR resources: `openid`, `launch/patient`, `read:orders`, …,
    and for what is malformed."""
    match = _CLINICAL.fullmatch(text.removeprefix(URI_PREFIX))
    if match is None:
        return None
    params = _parse_params(match["query"])
    if params is None:
        return None
    letters = match["letters"] or _FIRST_VERSION[match["first"]]
    return ClinicalScope(cast("Level", match["level"]), match["type"], frozenset(letters), params)


def is_malformed(text: str) -> bool:
    """Whether it is written like a scope on FHIR resources, and is none.

    Its issuer meant something by it that cannot be told, so it stands for nothing: not even for
    the same letters in a schema.
    """
    like = _LIKE_CLINICAL.match(text.removeprefix(URI_PREFIX)) is not None
    return like and parse_scope(text) is None


@lru_cache(maxsize=4096)
def alternatives(value: str) -> frozenset[str]:
    r"""The values any of which meets a parameter: a comma separates, `\,` is one within a value."""
    return frozenset(_ESCAPED.sub(r"\1", each) for each in _ALTERNATIVE.findall(value))


def _parse_params(query: str | None) -> tuple[tuple[str, str], ...] | None:
    if query is None:
        return ()
    params = []
    for part in query.split("&"):
        name, _, value = (_decode(each) for each in part.partition("="))
        if not name or not value or _NAME.fullmatch(name) is None:
            return None
        params.append((name, value))
    return tuple(sorted(params))


def _decode(text: str) -> str | None:
    """Percent-encoding undone; `None` for what it cannot stand for."""
    if _BAD_ESCAPE.search(text):
        return None
    try:
        decoded = unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        return None
    return decoded if decoded.isprintable() else None
