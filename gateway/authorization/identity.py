"""Who asks, and the part of it that decides about fields."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from contract.context import Caller


@dataclass(frozen=True, slots=True)
class Grants:
    """Everything about a caller that field decisions depend on.

    Two callers with equal grants may run the same plan, so this is the key of what is cached.
    """

    authenticated: bool = False
    scopes: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()
    """Policies that hold for the caller; one that is not here is refused, known or not."""
    unrestricted: bool = False
    """A development gateway, where nobody signs in and every field is open."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token proves: who asks, and until when. What that allows, policies say."""

    caller: Caller
    expires_at: float
    """Seconds since 1970."""
    certificate: str | None = None
    """The thumbprint of the only client certificate with which the token is good."""
    until: float = 0.0
    """Seconds since 1970; from then on it has to be verified anew."""


class Identity(msgspec.Struct, frozen=True):
    caller: Caller | None = None
    """None where nobody is signed in."""
    grants: Grants = Grants()
    expires_at: float | None = None
    """Seconds since 1970; a stream must not outlive it."""


ANONYMOUS = Identity()

DEVELOPER = Identity(
    Caller(
        subject="developer",
        client_id="development",
        roles=("developer",),
        scopes=("user/*.cruds", "system/*.cruds"),
    ),
    Grants(authenticated=True, unrestricted=True),
)
"""Who asks on a development gateway, where nobody signs in."""
