"""Why each field of an operation is permitted or refused: by which scope, by which policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLSchema

from gateway.authorization.authorize import is_met, objects, returned
from gateway.authorization.identity import Grants
from gateway.federation.access_rules import OPEN, AccessRule, AccessRules, Alternatives
from gateway.operation.tree import Field, InlineFragment, Operation, SelectionSet

if TYPE_CHECKING:
    from gateway.authorization.policies import Ruling, Statement


@dataclass(frozen=True, slots=True)
class FieldDecision:
    path: tuple[str, ...]
    """Response keys from the root; positions in lists are left out."""
    types: tuple[str, ...]
    """The object types at that place for which it is decided so; sorted."""
    permitted: bool
    reasons: tuple[str, ...]
    """One for each requirement, in words."""


def explain_decisions(
    operation: Operation,
    rules: AccessRules,
    grants: Grants,
    schema: GraphQLSchema,
    rulings: Mapping[str, Ruling],
) -> tuple[FieldDecision, ...]:
    """Every field that something protects, in the operation's order; others are open to all.

    What lies below a refused field is refused with it, and left out.
    """
    explainer = _Explainer(rules, grants, schema, rulings)
    found = explainer.walk(operation.selections, frozenset({operation.root_type}), ())
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class _Explainer:
    rules: AccessRules
    grants: Grants
    schema: GraphQLSchema
    rulings: Mapping[str, Ruling]

    def walk(
        self, selections: SelectionSet, types: frozenset[str], path: tuple[str, ...]
    ) -> Iterator[FieldDecision]:
        for selection in selections:
            if isinstance(selection, InlineFragment):
                inner = types & objects(self.schema, selection.type_condition)
                yield from self.walk(selection.selections, inner, path)
                continue
            yield from self._field(selection, types, (*path, selection.response_key))

    def _field(
        self, field: Field, types: frozenset[str], path: tuple[str, ...]
    ) -> Iterator[FieldDecision]:
        holders = types & objects(self.schema, field.parent_type)
        refused: set[str] = set()
        for rule, alike in self._by_rule(field.name, sorted(holders)).items():
            requirements = tuple(self._requirements(rule))
            permitted = all(met for met, _ in requirements)
            reasons = tuple(dict.fromkeys(reason for _, reason in requirements))
            yield FieldDecision(path, tuple(alike), permitted, reasons)
            if not permitted:
                refused.update(alike)
        if not field.selections:
            return
        # Where it is refused to some, it is written out for the others.
        parents = holders - refused if refused else {field.parent_type}
        below = (returned(self.schema, parent, field.name) for parent in parents)
        inner = frozenset[str]().union(*(objects(self.schema, each) for each in below))
        if inner:
            yield from self.walk(field.selections, inner, path)

    def _by_rule(self, field: str, holders: list[str]) -> dict[AccessRule, list[str]]:
        alike: dict[AccessRule, list[str]] = {}
        for holder in holders:
            rule = self.rules.get((holder, field), OPEN)
            if rule != OPEN:
                alike.setdefault(rule, []).append(holder)
        return alike

    def _requirements(self, rule: AccessRule) -> Iterator[tuple[bool, str]]:
        """Of each, whether it is met and why."""
        if self.grants.unrestricted:
            yield True, "a development gateway, where everything is open"
            return
        if not self.grants.authenticated:
            yield False, "nobody is signed in"
        elif rule.authenticated:
            yield True, "somebody is signed in"
        for alternatives in rule.scopes:
            yield self._scopes(alternatives)
        for alternatives in rule.policies:
            yield self._policies(alternatives)

    def _scopes(self, alternatives: Alternatives) -> tuple[bool, str]:
        met = next((each for each in alternatives if is_met((each,), self.grants)), None)
        if met is not None:
            return True, f"has the scope {' and '.join(met)}"
        return False, f"lacks the scope {' or '.join(map(' and '.join, alternatives))}"

    def _policies(self, alternatives: Alternatives) -> tuple[bool, str]:
        held = self.grants.policies
        met = next((each for each in alternatives if held.issuperset(each)), None)
        if met is not None:
            return True, "; ".join(map(self._say, met))
        return False, " or ".join(
            "; ".join(self._say(name) for name in names if name not in held)
            for names in alternatives
        )

    def _say(self, policy: str) -> str:
        ruling = self.rulings.get(policy)
        if ruling is None or not (ruling.by or ruling.faults):
            return f"no policy permits {policy}"
        if ruling.faults:
            return f"{policy} could not be decided: {ruling.faults[0].rpartition(': ')[2]}"
        if ruling.permitted:
            return f"{policy} is permitted by {_quoted(ruling.by)}"
        if any(each.effect == "forbid" for each in ruling.by):
            return f"{policy} is forbidden by {_quoted(ruling.by)}"
        return f"{policy} is only permitted by {_quoted(ruling.by)}"


def _quoted(statements: tuple[Statement, ...]) -> str:
    return ", ".join(f'{each.id} "{each.description}"' for each in statements)
