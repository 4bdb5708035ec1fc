"""From a verified caller to what field decisions depend on.

Many callers share one answer: whatever a policy may ask about a caller is the caller's decision
class, and the policies are asked once for each class. So neither who asks, nor when, nor about whom
enters a decision about fields: those are for the subgraphs, which decide about records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from contract.context import Caller
from gateway.authorization.identity import Grants
from gateway.cache.lru import LruCache

if TYPE_CHECKING:
    # Cedar takes memory and time that a gateway without policies is spared.
    from gateway.authorization.policies import Policies, Ruling

CLASSES: Final = 10_000

Texts: TypeAlias = tuple[str, ...]
DecisionClass: TypeAlias = tuple[str, str, str | None, str, Texts, Texts]


class GrantsOf:
    """One set of policies at work; other policies are another `GrantsOf`."""

    def __init__(self, policies: Policies | None = None) -> None:
        """Without policies, every one that the supergraph names is refused."""
        self.policies = policies
        self._known: LruCache[DecisionClass, Grants] = LruCache(CLASSES)

    def __call__(self, caller: Caller) -> Grants:
        key = class_of(caller)
        grants = self._known.get(key)
        if grants is None:
            held = self.policies.held(caller) if self.policies else frozenset[str]()
            grants = Grants(True, frozenset(caller.scopes), held)
            self._known.put(key, grants)
        return grants

    def rulings(self, caller: Caller | None, decisions: Iterable[str]) -> Mapping[str, Ruling]:
        """Who decides what about a caller, to be explained; nothing of it is remembered."""
        if self.policies is None or caller is None:
            return {}
        return {name: self.policies.rule(caller, name) for name in decisions}


def class_of(caller: Caller) -> DecisionClass:
    """Exactly what `policies.entity_of` lets a policy see."""
    return (
        caller.issuer,
        caller.client_id,
        caller.organization,
        caller.purpose,
        caller.roles,
        caller.scopes,
    )
