from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.context import parse_context
from gateway.composition.facts import selections_of
from gateway.composition.merge.strategies import Conditions, conjunction, implies, read_conditions
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Field, TypeDefinition, applied
from gateway.composition.types import base_name


def missing_transitive_auth_requirements(supergraph: Supergraph) -> Iterator[Problem]:
    """Who may read a field may read what it is made of: @requires and @fromContext included.

    https://www.apollographql.com/docs/graphos/routing/security/authorization
    """
    code = "MISSING_TRANSITIVE_AUTH_REQUIREMENTS"
    for member in supergraph.subgraphs.members:
        for field, requires in member.facts.applications("requires"):
            selections = selections_of(requires.text("fields"))
            if selections is not None:
                lacking = _lacking(supergraph, field, field.parent, selections)
                for message in lacking:
                    yield problem(code, message, member.name, requires.node)
        contexts = member.facts.contexts()
        for _, field, _, directive in member.facts.context_arguments():
            name, text = parse_context(directive.text("field") or "")
            selections = selections_of(text)
            for type_ in contexts.get(name or "", ()):
                if selections is not None:
                    for message in _lacking(
                        supergraph, field, type_.name, selections, from_type=True
                    ):
                        yield problem(code, message, member.name, directive.node)


@dataclass(frozen=True, slots=True)
class _Requirements:
    authenticated: bool
    scopes: Conditions
    policies: Conditions

    def satisfy(self, other: _Requirements) -> bool:
        return (
            (self.authenticated or not other.authenticated)
            and implies(self.scopes, other.scopes)
            and implies(self.policies, other.policies)
        )


def _lacking(
    supergraph: Supergraph,
    field: Field,
    parent: str,
    selections: SelectionSetNode,
    *,
    from_type: bool = False,
) -> Iterator[str]:
    """At most one message: the first thing that may be read less freely than the field."""
    type_ = supergraph.types[field.parent]
    own = _together(_of(type_), _of(type_.fields[field.name]))
    if from_type and not own.satisfy(_of(supergraph.types[parent])):
        yield f'"{field.coordinate}" asks for less than "{parent}", whose context it reads'
        return
    for coordinate, requirements in _selected(supergraph, parent, selections):
        if not own.satisfy(requirements):
            yield f'"{field.coordinate}" asks for less than "{coordinate}", which it is made of'
            return


def _selected(
    supergraph: Supergraph, parent: str, selections: SelectionSetNode
) -> Iterator[tuple[str, _Requirements]]:
    for selection in selections.selections:
        inner = parent
        if isinstance(selection, FieldNode):
            field = supergraph.types[parent].fields.get(selection.name.value)
            if field is None:
                continue
            inner = base_name(field.type)
            yield field.coordinate, _of(field)
            if inner in supergraph.types:
                yield field.coordinate, _of(supergraph.types[inner])
        elif isinstance(selection, InlineFragmentNode) and selection.type_condition:
            inner = selection.type_condition.name.value
            yield inner, _of(supergraph.types[inner])
        nested = getattr(selection, "selection_set", None)
        if nested:
            yield from _selected(supergraph, inner, nested)


def _of(element: TypeDefinition | Field) -> _Requirements:
    scopes = [d.arguments.get("scopes") for d in applied(element, "requiresScopes")]
    policies = [d.arguments.get("policies") for d in applied(element, "policy")]
    return _Requirements(
        authenticated=bool(applied(element, "authenticated")),
        scopes=conjunction([read_conditions(value) for value in scopes]),
        policies=conjunction([read_conditions(value) for value in policies]),
    )


def _together(one: _Requirements, other: _Requirements) -> _Requirements:
    return _Requirements(
        authenticated=one.authenticated or other.authenticated,
        scopes=conjunction([one.scopes, other.scopes]),
        policies=conjunction([one.policies, other.policies]),
    )
