"""Does what a token was granted cover what a field requires?

SMART scopes are compared by what they mean, in both notations; any other scope is a plain string.
"""

from __future__ import annotations

from collections.abc import Collection

from contract.scopes import ClinicalScope, is_malformed, parse_scope


def covers(granted: Collection[str], required: str) -> bool:
    """Whether the scopes of a token, taken together, allow what `required` asks for.

    At the level of fields: a granted scope with parameters opens the field, and the subgraph
    leaves out the records that its parameters do not match.
    """
    wanted = parse_scope(required)
    if wanted is None:
        return required in granted and not is_malformed(required)
    missing = set(wanted.letters)
    for text in granted:
        scope = parse_scope(text)
        if scope is not None and _reaches(scope, wanted):
            missing -= scope.letters
    return not missing


def _reaches(scope: ClinicalScope, wanted: ClinicalScope) -> bool:
    """Whether it is about the same records, letters aside."""
    return (
        scope.level == wanted.level
        and scope.names(wanted.type)
        and (not wanted.params or set(scope.params) <= set(wanted.params))
    )
