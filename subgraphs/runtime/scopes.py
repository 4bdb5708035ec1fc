"""What a token's SMART scopes say about one record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

from contract.scopes import ClinicalScope, parse_scope

Tokens = Mapping[str, Collection[str]]
"""A record's values by search parameter, each as `code` and as `system|code`."""


@lru_cache(maxsize=4096)
def read_scopes(scopes: tuple[str, ...]) -> tuple[ClinicalScope, ...]:
    """The scopes among these that permit reading and searching; the rest is left out."""
    return tuple(
        parsed
        for text in scopes
        if (parsed := parse_scope(text)) is not None and {"r", "s"} <= parsed.letters
    )


def matches(scope: ClinicalScope, tokens: Tokens) -> bool:
    """Whether every parameter of the scope is met by one of its alternatives."""
    # A parameter we do not evaluate matches nothing: a narrowed scope must not widen.
    return all(set(value.split(",")) & set(tokens.get(name, ())) for name, value in scope.params)


def scopes_for(type_: str) -> list[list[str]]:
    """What @requiresScopes says of a type: any one of the three levels."""
    return [[f"{level}/{type_}.rs"] for level in ("patient", "user", "system")]
