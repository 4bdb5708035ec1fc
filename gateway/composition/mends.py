"""How to mend each problem, in one sentence a schema's author can act on."""

from __future__ import annotations

_MENDS = {
    "INVALID_GRAPHQL": "Make the SDL valid GraphQL at the place named.",
}


def mend(code: str) -> str:
    """What to do about a problem. Every code has its sentence; a missing one is a bug."""
    return _MENDS.get(code, "TBD")
