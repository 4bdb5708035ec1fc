"""From a verified caller to what field decisions depend on.

Many callers share one answer: whatever of a caller a policy may ask about is the caller's decision
class, and the policies are asked once for each class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from contract.context import Caller
from gateway.authorization.identity import Grants
from gateway.cache.lru import LruCache

CLASSES: Final = 10_000

DecisionClass: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]


class GrantsOf:
    """One set of policies at work; another set is another `GrantsOf`."""

    def __init__(self, policies: Mapping[str, frozenset[str]]) -> None:
        """`policies` say which roles satisfy them."""
        self._policies = policies
        self._known: LruCache[DecisionClass, Grants] = LruCache(CLASSES)

    def __call__(self, caller: Caller) -> Grants:
        key = (caller.roles, caller.scopes)
        grants = self._known.get(key)
        if grants is None:
            grants = Grants(True, frozenset(caller.scopes), self._held(caller))
            self._known.put(key, grants)
        return grants

    def _held(self, caller: Caller) -> frozenset[str]:
        return frozenset(
            name for name, whose in self._policies.items() if not whose.isdisjoint(caller.roles)
        )
