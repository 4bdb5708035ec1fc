"""What Cedar policies decide about a caller, and which of their sentences decided it.

Every call passes the schema: without it a `forbid` that meets a missing attribute is skipped and
so fails open. Whatever Cedar reports as an error is a denial.
https://docs.cedarpolicy.com/auth/authorization.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

from cedarpy import Decision, Entities, PolicySet, Schema, is_authorized_batch

from contract.context import Caller

Request: TypeAlias = dict[str, Any]

GRAPH: Final = {"type": "Graph", "id": "patient-graph"}
_WHO: Final = {"type": "Caller", "id": "caller"}


class Effect(StrEnum):
    PERMIT = "permit"
    FORBID = "forbid"


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy of a file."""

    id: str
    description: str
    effect: Effect
    decisions: frozenset[str]
    """The decisions it is about; empty, of a `forbid` only, for all of them."""
    place: str
    """`policies.cedar:12`"""

    def concerns(self, decision: str) -> bool:
        return not self.decisions or decision in self.decisions


@dataclass(frozen=True, slots=True)
class Ruling:
    """One decision about one caller."""

    decision: str
    permitted: bool
    by: tuple[Statement, ...] = ()
    """What permits or forbids it; where nothing does either, what would have permitted it."""
    faults: tuple[str, ...] = ()
    """Cedar's own words on why it could not decide, and so refused."""


@dataclass(frozen=True)
class Policies:
    """Read, checked and ready to be asked; see `policy_files` for how they come to be."""

    schema: Schema
    set: PolicySet
    statements: tuple[Statement, ...]
    decisions: frozenset[str] = field(init=False)
    """Those that some statement permits; any other is refused to everyone."""

    def __post_init__(self) -> None:
        named = (each.decisions for each in self.statements if each.effect is Effect.PERMIT)
        object.__setattr__(self, "decisions", frozenset().union(*named))

    def declares(self, kind: str, name: str) -> bool:
        """Whether the schema has such a `Role` or `Purpose`: a caller with another is refused."""
        entity = [{"uid": {"type": kind, "id": name}, "attrs": {}, "parents": []}]
        try:
            Entities.from_json_str(json.dumps(entity), self.schema)
        except ValueError:
            return False
        return True

    def held(self, caller: Caller) -> frozenset[str]:
        """The decisions that are permitted to the caller."""
        rulings = self._rule(caller, sorted(self.decisions))
        return frozenset(each.decision for each in rulings if each.permitted)

    def rule(self, caller: Caller, decision: str) -> Ruling:
        if decision not in self.decisions:
            return Ruling(decision, permitted=False)
        (ruling,) = self._rule(caller, [decision])
        return ruling

    def _rule(self, caller: Caller, decisions: list[str]) -> Iterable[Ruling]:
        requests: list[Request] = [
            {
                "principal": _WHO,
                "action": {"type": "Action", "id": decision},
                "resource": GRAPH,
                "context": {},
            }
            for decision in decisions
        ]
        answers = is_authorized_batch(requests, self.set, [entity_of(caller)], self.schema)
        for decision, answer in zip(decisions, answers, strict=True):
            faults = tuple(answer.diagnostics.errors)
            if faults:
                yield Ruling(decision, permitted=False, faults=faults)
                continue
            named = frozenset(answer.diagnostics.id_annotations_by_reason.values())
            permitted = answer.decision is Decision.Allow
            yield Ruling(decision, permitted, self._by(decision, named))

    def _by(self, decision: str, named: frozenset[str]) -> tuple[Statement, ...]:
        if named:
            return tuple(each for each in self.statements if each.id in named)
        return tuple(
            each
            for each in self.statements
            if each.effect is Effect.PERMIT and each.concerns(decision)
        )


def entity_of(caller: Caller) -> Request:
    """All that a policy may ask of a caller: what `GrantsOf` tells callers apart by."""
    attributes: Request = {
        "issuer": caller.issuer,
        "client": caller.client_id,
        "purpose": {"__entity": {"type": "Purpose", "id": caller.purpose}},
        "scopes": list(caller.scopes),
    }
    if caller.organization is not None:
        attributes["organization"] = caller.organization
    roles = [{"type": "Role", "id": role} for role in caller.roles]
    return {"uid": _WHO, "attrs": attributes, "parents": roles}
