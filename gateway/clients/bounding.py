"""What is left of a token's scopes within the bounds of its client.

SMART scopes are cut by what they mean: of `patient/*.rs`, within `patient/Observation.r`, just that
is left; parameters of both narrow what is left. Any other scope has to be named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final
from urllib.parse import quote

from contract.scopes import ClinicalScope, parse_scope

_LETTERS: Final = "cruds"


def cut(scopes: tuple[str, ...], bounds: Collection[str]) -> tuple[str, ...]:
    kept = dict.fromkeys(each for scope in scopes for each in _within(scope, bounds))
    return scopes if tuple(kept) == scopes else tuple(kept)


def _within(text: str, bounds: Collection[str]) -> Iterator[str]:
    scope = parse_scope(text)
    if scope is None:
        if text in bounds:
            yield text
        return
    for each in sorted(bounds):
        bound = parse_scope(each)
        common = _meet(scope, bound) if bound is not None else None
        if common is not None:
            yield text if common == scope else each if common == bound else _print(common)


def _meet(one: ClinicalScope, other: ClinicalScope) -> ClinicalScope | None:
    """What both allow."""
    letters = one.letters & other.letters
    related = one.names(other.type) or other.names(one.type)
    if one.level != other.level or not letters or not related:
        return None
    type_ = other.type if one.type == "*" else one.type
    params = tuple(sorted({*one.params, *other.params}))
    return ClinicalScope(one.level, type_, letters, params)


def _print(scope: ClinicalScope) -> str:
    letters = "".join(letter for letter in _LETTERS if letter in scope.letters)
    pairs = (f"{quote(name, safe=':')}={quote(value, safe='')}" for name, value in scope.params)
    query = "&".join(pairs)
    return f"{scope.level}/{scope.type}.{letters}" + (f"?{query}" if query else "")
