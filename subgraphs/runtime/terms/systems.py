"""One name for each code system, whichever a source writes: a URI, an OID, HL7 v2's short name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
import yaml

_OID: Final = "urn:oid:"
_BARE_OID: Final = re.compile(r"[0-2](\.\d+)+")


class CodeSystem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    uri: str
    also: tuple[str, ...] = ()


def read_terms(name: str) -> object:
    """A YAML file of this package; every scalar is a text, as codes are."""
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts


@cache
def code_systems() -> Sequence[CodeSystem]:
    """Those that are known, the one that decides first at the front."""
    return msgspec.convert(read_terms("systems.yaml"), tuple[CodeSystem, ...])


@cache
def _canonical() -> Mapping[str, str]:
    known = {}
    for system in code_systems():
        for name in (system.uri, *system.also):
            known[name] = known[_OID + name] = system.uri
    return known


def canonical_system(name: str | None) -> str:
    """The URI of a code system; a name that is unknown stays as it is, none is empty."""
    if not name:
        return ""
    known = _canonical().get(name)
    return known or (_OID + name if _BARE_OID.fullmatch(name) else name)


@cache
def _places() -> Mapping[str, int]:
    return {system.uri: place for place, system in enumerate(code_systems())}


def preference(uri: str) -> int:
    """Less for the code system that rather decides what a concept is."""
    return _places().get(uri, len(_places()))
