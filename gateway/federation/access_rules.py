"""The supergraph's @authenticated, @requiresScopes and @policy, as one rule per field.

A field's rule is everything that must hold to select it: its own directives, those of its parent
type and of the type it returns, those on the interfaces that the parent implements, and those of
the fields it silently reads through @requires and @fromContext. So a field is decided alike however
it is reached.
https://www.apollographql.com/docs/graphos/reference/federation/directives#requiresscopes
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    DirectiveNode,
    FieldNode,
    InlineFragmentNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    SelectionSetNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    value_from_ast_untyped,
)

from gateway.federation.directives import AUTHENTICATED, CONTEXT, POLICY, REQUIRES_SCOPES
from gateway.federation.field_set import parse_field_set
from gateway.federation.join import SupergraphType
from gateway.federation.link import FEDERATION, Links, read_links
from gateway.federation.supergraph import Supergraph

Alternatives: TypeAlias = tuple[tuple[str, ...], ...]
"""Any of these will do, and all the names in it must hold."""

TYPENAME = "__typename"

_CONTEXT_NAME = re.compile(r"^\s*\$\w+")


@dataclass(frozen=True, slots=True)
class AccessRule:
    authenticated: bool = False
    scopes: tuple[Alternatives, ...] = ()
    """Every one of these must be met."""
    policies: tuple[Alternatives, ...] = ()

    def __and__(self, other: AccessRule) -> AccessRule:
        """Both must hold."""
        return AccessRule(
            self.authenticated or other.authenticated,
            tuple(dict.fromkeys(self.scopes + other.scopes)),
            tuple(dict.fromkeys(self.policies + other.policies)),
        )


OPEN = AccessRule()

AccessRules: TypeAlias = Mapping[tuple[str, str], AccessRule]
"""By type and field; a field without a rule is open. `__typename` stands for the type itself."""


def access_rules(supergraph: Supergraph) -> AccessRules:
    builder = _RulesBuilder(supergraph)
    places = (
        (type_.name, field)
        for type_ in supergraph.types.values()
        for field in (TYPENAME, *type_.fields)
    )
    rules = {place: builder.rule(*place) for place in places}
    return {place: rule for place, rule in rules.items() if rule != OPEN}


def policy_names(rules: AccessRules) -> frozenset[str]:
    """Those that any rule asks for."""
    return frozenset(
        name
        for rule in rules.values()
        for alternatives in rule.policies
        for names in alternatives
        for name in names
    )


class _RulesBuilder:
    """Own directives, read once; whole rules, worked out from them on demand."""

    def __init__(self, supergraph: Supergraph) -> None:
        self._types = supergraph.types
        self._own_types: dict[str, AccessRule] = defaultdict(AccessRule)
        self._own_fields: dict[tuple[str, str], AccessRule] = defaultdict(AccessRule)
        self._contexts: dict[str, list[str]] = defaultdict(list)
        self._done: dict[tuple[str, str], AccessRule] = {}
        self._read(supergraph)

    def rule(self, type_name: str, field_name: str) -> AccessRule:
        place = (type_name, field_name)
        if place not in self._done:
            type_ = self._types[type_name]
            # In place before it is complete: fields may require each other in a circle.
            self._done[place] = rule = self._declared_rule(type_, field_name)
            for required_of, selection_set in self._hidden_reads(type_, field_name):
                rule &= self._selection_rule(required_of, selection_set)
            self._done[place] = rule
        return self._done[place]

    def _declared_rule(self, type_: SupergraphType, field_name: str) -> AccessRule:
        rule = self._type_rule(type_.name) & self._own_fields[type_.name, field_name]
        for interface in type_.interfaces:
            rule &= self._own_fields[interface, field_name]
        field = type_.fields.get(field_name)
        return rule & self._type_rule(field.type_name) if field else rule

    def _type_rule(self, type_name: str) -> AccessRule:
        rule = self._own_types[type_name]
        type_ = self._types.get(type_name)
        for interface in type_.interfaces if type_ else ():
            rule &= self._own_types[interface]
        return rule

    def _hidden_reads(
        self, type_: SupergraphType, field_name: str
    ) -> Iterator[tuple[str, SelectionSetNode]]:
        """What the field is computed from, though its caller does not ask for it."""
        field = type_.fields.get(field_name)
        for join in field.joins.values() if field else ():
            if join.requires:
                yield type_.name, parse_field_set(join.requires)
            for argument in join.context_arguments:
                for source in self._contexts[argument.context]:
                    yield source, parse_field_set(_CONTEXT_NAME.sub("", argument.selection))

    def _selection_rule(self, type_name: str, selection_set: SelectionSetNode) -> AccessRule:
        rule = OPEN
        for selection in selection_set.selections:
            if isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = condition.name.value if condition else type_name
                rule &= self._selection_rule(inner, selection.selection_set)
            elif isinstance(selection, FieldNode):
                rule &= self._read_rule(type_name, selection)
        return rule

    def _read_rule(self, type_name: str, node: FieldNode) -> AccessRule:
        rule = OPEN
        name = node.name.value
        for each in (type_name, *self._implementers(type_name)):
            field = self._types[each].fields.get(name) if each in self._types else None
            if field is None:
                continue
            rule &= self.rule(each, name)
            if node.selection_set is not None:
                rule &= self._selection_rule(field.type_name, node.selection_set)
        return rule

    def _implementers(self, type_name: str) -> list[str]:
        return [type_.name for type_ in self._types.values() if type_name in type_.interfaces]

    def _read(self, supergraph: Supergraph) -> None:
        reader = _DirectiveReader(read_links(supergraph.document))
        for node in supergraph.document.definitions:
            if not isinstance(node, TypeDefinitionNode | TypeExtensionNode):
                continue
            name = node.name.value
            self._own_types[name] &= reader.rule(node.directives or ())
            for context in reader.contexts(node.directives or ()):
                self._contexts[context].append(name)
            if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
                for field in node.fields or ():
                    self._own_fields[name, field.name.value] &= reader.rule(field.directives or ())


class _DirectiveReader:
    """Knows what this supergraph calls the directives of access.

    A directive that has the plain name counts even where nothing links it: what looks like a lock
    is treated as one.
    """

    def __init__(self, links: Links) -> None:
        self._authenticated = links.names_of("authenticated", AUTHENTICATED, FEDERATION)
        self._scopes = links.names_of("requiresScopes", REQUIRES_SCOPES, FEDERATION)
        self._policy = links.names_of("policy", POLICY, FEDERATION)
        self._context = links.names_of("context", CONTEXT, FEDERATION)

    def rule(self, directives: tuple[DirectiveNode, ...] | list[DirectiveNode]) -> AccessRule:
        rule = OPEN
        for directive in directives:
            name = directive.name.value
            if name in self._authenticated:
                rule &= AccessRule(authenticated=True)
            elif name in self._scopes:
                rule &= AccessRule(scopes=(_alternatives(directive, "scopes"),))
            elif name in self._policy:
                rule &= AccessRule(policies=(_alternatives(directive, "policies"),))
        return rule

    def contexts(
        self, directives: tuple[DirectiveNode, ...] | list[DirectiveNode]
    ) -> Iterator[str]:
        for directive in directives:
            if directive.name.value in self._context:
                yield str(_argument(directive, "name"))


def _alternatives(directive: DirectiveNode, argument: str) -> Alternatives:
    """As GraphQL coerces `[[Scope!]!]!`, where a lone value stands for a list of one.

    https://spec.graphql.org/October2021/#sec-List.Input-Coercion
    """
    value = _argument(directive, argument)
    if isinstance(value, str):
        return ((value,),)
    return tuple(
        (each,) if isinstance(each, str) else tuple(str(name) for name in each)
        for each in value or ()
    )


def _argument(directive: DirectiveNode, name: str) -> Any:
    values = (
        value_from_ast_untyped(argument.value)
        for argument in directive.arguments or ()
        if argument.name.value == name
    )
    return next(values, None)
