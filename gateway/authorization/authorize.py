"""Take out of an operation what its caller may not see, before anything is planned or fetched.

A decision is about an object type and a field, so it is the same under an alias, in a fragment, on
an interface or in a union: where a field is selected on an abstract type and only some of its
objects permit it, the selection is written out for those.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from graphql import GraphQLSchema, get_named_type, is_abstract_type, is_composite_type

from contract.errors import Code
from gateway.authorization.identity import Grants
from gateway.authorization.scopes import covers
from gateway.federation.access_rules import OPEN, TYPENAME, AccessRule, AccessRules, Alternatives
from gateway.operation.tree import (
    Condition,
    Field,
    InlineFragment,
    Operation,
    Selection,
    SelectionSet,
)

MAX_ALTERNATIVES = 10


@dataclass(frozen=True, slots=True)
class Denial:
    """A selection that was taken out."""

    path: tuple[str, ...]
    """Response keys from the root; positions in lists are left out."""
    types: tuple[str, ...]
    """The object types, at that place, whose field it is; sorted."""
    field: str
    code: Code
    scopes: Alternatives = ()
    """Any of these sets of scopes would do; empty where no scope helps."""
    policies: Alternatives = ()
    """Likewise of policies, where it is them that are lacking."""
    conditions: tuple[Condition, ...] = ()
    """Of the field and of all around it: it was only asked for where they hold."""


@dataclass(frozen=True, slots=True)
class Authorized:
    operation: Operation
    """What is left. Without any selection, nothing is to be fetched at all."""
    denials: tuple[Denial, ...] = ()


def authorize(
    operation: Operation, rules: AccessRules, grants: Grants, schema: GraphQLSchema
) -> Authorized:
    if grants.unrestricted or not rules:
        return Authorized(operation)
    builder = _PermittedBuilder(rules, grants, schema)
    selections = builder.permit(operation.selections, frozenset({operation.root_type}), (), ())
    if not builder.denials:
        return Authorized(operation)
    permitted = Operation(
        operation.kind, operation.name, operation.variables, operation.root_type, selections
    )
    return Authorized(permitted, tuple(dict.fromkeys(builder.denials)))


@dataclass(frozen=True, slots=True)
class _Refusal:
    code: Code
    scopes: Alternatives = ()
    policies: Alternatives = ()


class _PermittedBuilder:
    def __init__(self, rules: AccessRules, grants: Grants, schema: GraphQLSchema) -> None:
        self._rules = rules
        self._grants = grants
        self._schema = schema
        self._verdicts: dict[tuple[str, str], _Refusal | None] = {}
        self.denials: list[Denial] = []

    def permit(
        self,
        selections: SelectionSet,
        types: frozenset[str],
        path: tuple[str, ...],
        conditions: tuple[Condition, ...],
    ) -> SelectionSet:
        """The selections that are left; `types` are the object types there may be at this place."""
        left: list[Selection] = []
        for selection in selections:
            around = conditions + selection.conditions
            if isinstance(selection, InlineFragment):
                inner = types & objects(self._schema, selection.type_condition)
                kept = self.permit(selection.selections, inner, path, around)
                if kept:
                    left.append(replace(selection, selections=kept))
            else:
                left += self._permit_field(selection, types, path, around)
        return tuple(left)

    def _permit_field(
        self,
        field: Field,
        types: frozenset[str],
        path: tuple[str, ...],
        conditions: tuple[Condition, ...],
    ) -> list[Selection]:
        here = (*path, field.response_key)
        holders = sorted(types & objects(self._schema, field.parent_type))
        permitted = []
        refused: dict[_Refusal, list[str]] = {}
        for holder in holders:
            refusal = self._decide(holder, field.name)
            if refusal is None:
                permitted.append(holder)
            else:
                refused.setdefault(refusal, []).append(holder)
        for refusal, refusers in refused.items():
            self.denials.append(
                Denial(
                    here,
                    tuple(refusers),
                    field.name,
                    refusal.code,
                    refusal.scopes,
                    refusal.policies,
                    conditions,
                )
            )
        if not refused:
            return [self._descend(field, field.parent_type, here, conditions)]
        return [
            InlineFragment(holder, (), (self._descend(field, holder, here, conditions),))
            for holder in permitted
        ]

    def _descend(
        self, field: Field, parent: str, path: tuple[str, ...], conditions: tuple[Condition, ...]
    ) -> Field:
        selections = field.selections
        if selections:
            below = returned(self._schema, parent, field.name)
            left = self.permit(selections, objects(self._schema, below), path, conditions)
            # Whether the object is there at all may be told: the field itself is permitted.
            selections = left or (Field(below, TYPENAME),)
        return Field(parent, field.name, field.alias, field.arguments, field.conditions, selections)

    def _decide(self, type_name: str, field_name: str) -> _Refusal | None:
        place = (type_name, field_name)
        if place not in self._verdicts:
            self._verdicts[place] = _refuse(self._rules.get(place, OPEN), self._grants)
        return self._verdicts[place]


def objects(schema: GraphQLSchema, type_name: str) -> frozenset[str]:
    """The object types that an object of this type can have."""
    type_ = schema.type_map[type_name]
    if is_abstract_type(type_):
        return frozenset(each.name for each in schema.get_possible_types(type_))
    return frozenset({type_name})


def returned(schema: GraphQLSchema, parent: str, field_name: str) -> str:
    """The type of what a field with selections returns."""
    type_ = schema.type_map[parent]
    assert is_composite_type(type_), "the document was validated"
    field = schema.get_field(type_, field_name)
    assert field is not None, "likewise"
    named = get_named_type(field.type)
    assert is_composite_type(named), "it has selections"
    return named.name


def _refuse(rule: AccessRule, grants: Grants) -> _Refusal | None:
    """Why the rule does not hold, or None where it does."""
    if rule == OPEN:
        return None
    lacking = [each for each in rule.scopes if not is_met(each, grants)]
    if not grants.authenticated:
        return _Refusal(Code.UNAUTHENTICATED, _together(rule.scopes))
    if lacking:
        return _Refusal(Code.SCOPE_REQUIRED, _together(lacking))
    held = grants.policies
    unmet = [each for each in rule.policies if not any(map(held.issuperset, each))]
    return _Refusal(Code.FORBIDDEN, policies=_together(unmet)) if unmet else None


def is_met(alternatives: Alternatives, grants: Grants) -> bool:
    return any(all(covers(grants.scopes, scope) for scope in scopes) for scopes in alternatives)


def _together(requirements: list[Alternatives] | tuple[Alternatives, ...]) -> Alternatives:
    """The sets of scopes each of which meets all requirements, as far as there are not too many."""
    if not requirements:
        return ()
    combinations = itertools.islice(itertools.product(*requirements), MAX_ALTERNATIVES)
    sets = (tuple(dict.fromkeys(itertools.chain(*each))) for each in combinations)
    return tuple(dict.fromkeys(sets))
