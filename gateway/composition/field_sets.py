"""Checking a field set against a subgraph's schema.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives#fieldset
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode, specified_directives

from gateway.composition.facts import Facts
from gateway.composition.schema import COMPOSITE, Applied, Field, Kind, Subgraph
from gateway.composition.types import Named, NonNull, base_name
from gateway.composition.values import Value
from gateway.federation.directives import specification
from gateway.federation.field_set import FieldSetError, parse_field_set

_BUILT_IN = frozenset(directive.name for directive in specified_directives)


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a field set; the code goes behind `KEY_`, `REQUIRES_` or `PROVIDES_`."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Demands:
    """What a directive asks of its field sets beyond being valid selections."""

    externals: bool = True
    arguments: bool = False
    concrete: bool = False


KEY = Demands(externals=False, concrete=True)
REQUIRES = Demands(arguments=True)
PROVIDES = Demands()


def check_field_set(
    facts: Facts, parent: str, directive: Applied, demands: Demands
) -> Iterator[Flaw]:
    """Every flaw of a valid selection, or the first reason why it is none."""
    text = directive.arguments.get("fields")
    if not isinstance(text, str):
        yield Flaw("INVALID_FIELDS_TYPE", 'Invalid value for argument "fields": must be a string')
        return
    try:
        selections = parse_field_set(text)
    except FieldSetError as error:
        yield Flaw("INVALID_FIELDS", str(error))
        return
    checker = _Checker(facts, demands)
    flaw = next(checker.invalid(parent, selections), None)
    if flaw is not None:
        yield flaw
    else:
        yield from checker.unwanted(parent, selections, below_external=False)


def invalid_selections(facts: Facts, parent: str, selections: SelectionSetNode) -> Iterator[Flaw]:
    """What makes the selections no valid GraphQL on `parent`."""
    return _Checker(facts, REQUIRES).invalid(parent, selections)


@dataclass(frozen=True, slots=True)
class _Checker:
    facts: Facts
    demands: Demands

    @property
    def subgraph(self) -> Subgraph:
        return self.facts.subgraph

    def invalid(self, parent: str, selections: SelectionSetNode) -> Iterator[Flaw]:
        for selection in selections.selections:
            for directive in selection.directives or ():
                if not _is_defined(self.subgraph, directive.name.value):
                    message = f'Unknown directive "@{directive.name.value}"'
                    yield Flaw("INVALID_FIELDS", message)
            if isinstance(selection, FieldNode):
                yield from self._invalid_field(parent, selection)
            else:
                assert isinstance(selection, InlineFragmentNode)
                yield from self._invalid_fragment(parent, selection)

    def _invalid_field(self, parent: str, node: FieldNode) -> Iterator[Flaw]:
        name = node.name.value
        if node.alias is not None:
            message = f'Cannot use alias "{node.alias.value}": a field set knows no aliases'
            yield Flaw("INVALID_FIELDS", message)
        field = field_of(self.subgraph, parent, name)
        if field is None:
            message = (
                f'Cannot query field "{name}" on type "{parent}" (if another subgraph resolves'
                " it, add it to this one with @external)"
            )
            yield Flaw("INVALID_FIELDS", message)
            return
        inner = base_name(field.type)
        kind = self.subgraph.kind(inner)
        if self.demands.concrete and kind in (Kind.INTERFACE, Kind.UNION):
            message = f'"{field.coordinate}" has {kind} type "{inner}", which a key cannot select'
            yield Flaw("FIELDS_SELECT_INVALID_TYPE", message)
        yield from _invalid_arguments(field, node)
        if kind not in COMPOSITE:
            if node.selection_set:
                message = f'"{field.coordinate}" has no fields to select'
                yield Flaw("INVALID_FIELDS", message)
        elif node.selection_set is None:
            message = f'"{field.coordinate}" of type {field.type} needs a selection of fields'
            yield Flaw("INVALID_FIELDS", message)
        else:
            yield from self.invalid(inner, node.selection_set)

    def _invalid_fragment(self, parent: str, node: InlineFragmentNode) -> Iterator[Flaw]:
        """A fragment that can never match is useless, but so it is in another subgraph, too."""
        inner = node.type_condition.name.value if node.type_condition else parent
        if self.subgraph.kind(inner) not in COMPOSITE:
            yield Flaw("INVALID_FIELDS", f'"{inner}" is no type that a fragment can be on')
        else:
            yield from self.invalid(inner, node.selection_set)

    def unwanted(
        self, parent: str, selections: SelectionSetNode, *, below_external: bool
    ) -> Iterator[Flaw]:
        for selection in selections.selections:
            if selection.directives:
                yield Flaw("DIRECTIVE_IN_FIELDS_ARG", "a field set cannot have directives")
            if isinstance(selection, InlineFragmentNode):
                inner = selection.type_condition.name.value if selection.type_condition else parent
                yield from self.unwanted(
                    inner, selection.selection_set, below_external=below_external
                )
                continue
            assert isinstance(selection, FieldNode)
            field = field_of(self.subgraph, parent, selection.name.value)
            assert field is not None, "the selection is valid"
            yield from self._unwanted_field(field, selection, below_external=below_external)

    def _unwanted_field(
        self, field: Field, node: FieldNode, *, below_external: bool
    ) -> Iterator[Flaw]:
        if field.arguments and not self.demands.arguments:
            message = f'"{field.coordinate}" has arguments, which this directive does not allow'
            yield Flaw("FIELDS_HAS_ARGS", message)
        is_external = self.facts.is_external(field)
        if node.selection_set:
            below = below_external or is_external or self._is_external_in_implementations(field)
            yield from self.unwanted(
                base_name(field.type), node.selection_set, below_external=below
            )
        elif self.demands.externals and not is_external and not below_external:
            message = f'"{field.coordinate}" is resolved here anyway: it is not @external'
            yield Flaw("FIELDS_MISSING_EXTERNAL", message)

    def _is_external_in_implementations(self, field: Field) -> bool:
        return any(
            field.name in type_.fields and self.facts.is_external(type_.fields[field.name])
            for type_ in self.subgraph.implementations(field.parent)
        )


def field_of(subgraph: Subgraph, parent: str, name: str) -> Field | None:
    """The field, where `__typename` is one of every composite type."""
    if name == "__typename" and subgraph.kind(parent) in COMPOSITE:
        return Field(parent, name, NonNull(Named("String")), None, {})
    return subgraph.field(parent, name)


def _invalid_arguments(field: Field, node: FieldNode) -> Iterator[Flaw]:
    given: dict[str, Value | None] = {
        argument.name.value: None for argument in node.arguments or ()
    }
    for name in given:
        if name not in field.arguments:
            yield Flaw("INVALID_FIELDS", f'"{field.coordinate}" has no argument "{name}"')
    for argument in field.arguments.values():
        is_required = isinstance(argument.type, NonNull) and not argument.has_default
        if is_required and argument.name not in given:
            yield Flaw("INVALID_FIELDS", f'"{argument.coordinate}" needs a value')


def _is_defined(subgraph: Subgraph, directive: str) -> bool:
    if directive in subgraph.definitions or directive in _BUILT_IN:
        return True
    source = subgraph.links.source_of_directive(directive)
    known = specification(source[0].url.identity, source[0].url.version) if source else None
    return known is not None and source is not None and source[1] in known.directives
