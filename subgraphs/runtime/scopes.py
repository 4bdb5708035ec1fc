"""What a token's SMART scopes say about one record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache

from contract.scopes import ClinicalScope, alternatives, parse_scope

_READING = frozenset("rs")

Tokens = Mapping[str, Collection[str]]
"""A record's values by search parameter, each as `code` and as `system|code`."""


@lru_cache(maxsize=4096)
def read_scopes(scopes: tuple[str, ...]) -> tuple[ClinicalScope, ...]:
    """The scopes among these that permit reading and searching; the rest is left out.

    `Patient.r Patient.s` says the same as `Patient.rs`.
    https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scope-equivalence
    """
    letters: dict[ClinicalScope, frozenset[str]] = {}
    for scope in filter(None, map(parse_scope, scopes)):
        reach = replace(scope, letters=frozenset())
        letters[reach] = letters.get(reach, frozenset()) | scope.letters
    return tuple(
        replace(reach, letters=held) for reach, held in letters.items() if held >= _READING
    )


def matches(scope: ClinicalScope, tokens: Tokens) -> bool:
    """Whether every parameter of the scope is met by one of its alternatives."""
    # A parameter we do not evaluate matches nothing: a narrowed scope must not widen.
    return all(
        not alternatives(value).isdisjoint(tokens.get(name, ())) for name, value in scope.params
    )


def scopes_for(type_: str) -> list[list[str]]:
    """What @requiresScopes says of a type: any one of the three levels."""
    return [[f"{level}/{type_}.rs"] for level in ("patient", "user", "system")]
