from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    ExecutableDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NamedTypeNode,
    Node,
    ParallelVisitor,
    TypeDefinitionNode,
    TypeExtensionNode,
    Undefined,
    Visitor,
    build_ast_schema,
    specified_directives,
    specified_scalar_types,
    validate_schema,
    value_from_ast,
    visit,
)
from graphql.validation import (
    KnownTypeNamesRule,
    PossibleTypeExtensionsRule,
    SDLValidationContext,
)
from graphql.validation.specified_rules import specified_sdl_rules

from gateway.composition.complete import complete, own_definitions, provided_definitions
from gateway.composition.problems import Problem, problem
from gateway.composition.read import MACHINE_FIELDS, ParsedSubgraph
from gateway.federation.directives import FEDERATION_DIRECTIVES

_CODE = "INVALID_GRAPHQL"

# Each error of graphql-core reads the source anew to tell its place: thousands take minutes.
MAX_ERRORS = 100

# A type may be only extended, and the names a subgraph may use are not those of one document.
_RULES = [
    rule
    for rule in specified_sdl_rules
    if rule not in (PossibleTypeExtensionsRule, KnownTypeNamesRule)
]


class _EnoughError(Exception):
    pass


def invalid_graphql(parsed: ParsedSubgraph) -> Iterator[Problem]:
    """https://spec.graphql.org/draft/#sec-Type-System, with federation's definitions at hand."""
    found = [
        *_problems(parsed, _operations(parsed)),
        *_problems(parsed, _unknown_types(parsed)),
        *_problems(parsed, _exposed_machinery(parsed)),
        *_sdl_problems(parsed, document := complete(parsed)),
    ]
    yield from found
    if not found:
        yield from _schema_problems(parsed, document)


def _sdl_problems(parsed: ParsedSubgraph, document: DocumentNode) -> Iterator[Problem]:
    errors = _sdl_errors(document)
    for error in errors:
        message = _with_advice(parsed, error.message)
        yield problem(_CODE, message, parsed.name, _first(error))
    if len(errors) == MAX_ERRORS:
        yield problem(_CODE, f"Stopped after {MAX_ERRORS} errors", parsed.name)


def _sdl_errors(document: DocumentNode) -> list[GraphQLError]:
    errors: list[GraphQLError] = []

    def note(error: GraphQLError) -> None:
        errors.append(error)
        if len(errors) == MAX_ERRORS:
            raise _EnoughError

    context = SDLValidationContext(document, None, note)
    with suppress(_EnoughError):
        visit(document, ParallelVisitor([rule(context) for rule in _RULES]))
    return errors


def _schema_problems(parsed: ParsedSubgraph, document: DocumentNode) -> Iterator[Problem]:
    try:
        schema = build_ast_schema(document, assume_valid_sdl=True)
        errors = validate_schema(schema)
    except (TypeError, GraphQLError) as refusal:
        yield problem(_CODE, str(refusal), parsed.name)
        return
    query = schema.query_type.name if schema.query_type else "Query"
    # A subgraph without a query, or with an empty one, has at least the fields federation adds.
    excused = {
        "Query root type must be provided.",
        f"Type {query} must define one or more fields.",
    }
    for error in errors:
        # Deprecation may differ between a field and its interface: a later draft's demand.
        is_draft = error.message.endswith("must not be deprecated.")
        if error.message not in excused and not is_draft:
            yield problem(_CODE, error.message, parsed.name, _first(error))
    yield from _problems(parsed, _invalid_arguments(schema, document))


def _problems(
    parsed: ParsedSubgraph, found: Iterable[tuple[str, Node | None]]
) -> Iterator[Problem]:
    for message, node in found:
        yield problem(_CODE, message, parsed.name, node)


def _operations(parsed: ParsedSubgraph) -> Iterator[tuple[str, Node | None]]:
    for node in parsed.document.definitions:
        if isinstance(node, ExecutableDefinitionNode):
            yield "An operation or fragment has no place in a schema.", node


def _unknown_types(parsed: ParsedSubgraph) -> Iterator[tuple[str, Node | None]]:
    own = own_definitions(parsed)
    known = {
        node.name.value for node in own if isinstance(node, TypeDefinitionNode | TypeExtensionNode)
    }
    known |= specified_scalar_types.keys()
    if parsed.version is not None:
        provided = provided_definitions(parsed)
        known |= {node.name.value for node in provided if isinstance(node, TypeDefinitionNode)}
    wanted: list[NamedTypeNode] = []
    collector = _collector(NamedTypeNode, wanted.append)
    for definition in own:
        visit(definition, collector)
    for reference in wanted:
        if reference.name.value not in known:
            yield f'Unknown type "{reference.name.value}".', reference


def _exposed_machinery(parsed: ParsedSubgraph) -> Iterator[tuple[str, Node | None]]:
    """A field of a type that does not reach the supergraph would dangle there."""
    for definition in own_definitions(parsed):
        if not isinstance(definition, TypeDefinitionNode | TypeExtensionNode):
            continue
        if parsed.is_machinery(definition.name.value):
            continue
        members: list[Node] = [*(getattr(definition, "types", None) or ())]
        members += [
            field
            for field in getattr(definition, "fields", None) or ()
            if field.name.value not in MACHINE_FIELDS
        ]
        found: list[NamedTypeNode] = []
        collector = _collector(NamedTypeNode, found.append)
        for member in members:
            visit(member, collector)
        for reference in found:
            if parsed.is_machinery(reference.name.value):
                message = f'"{reference.name.value}" is federation\'s own and no type for a schema.'
                yield message, reference


def _with_advice(parsed: ParsedSubgraph, message: str) -> str:
    """An unknown directive is often a federation directive that was not imported."""
    name = (
        message.partition("'@")[2].partition("'")[0] or message.partition('"@')[2].partition('"')[0]
    )
    if not message.startswith("Unknown directive"):
        return message
    close = get_close_matches(name, sorted(FEDERATION_DIRECTIVES), n=1, cutoff=0.8)
    if not close:
        return message
    federation = parsed.links.federation
    if federation is None:
        return f'{message} "@{close[0]}" needs a @link to the federation specification.'
    local_name = federation.directive_name(close[0])
    return f'{message} Import "@{close[0]}" in the @link to federation, or use "@{local_name}".'


def _invalid_arguments(
    schema: GraphQLSchema, document: DocumentNode
) -> Iterator[tuple[str, Node | None]]:
    """The arguments of directive applications, by the directive's definition."""
    applications: list[DirectiveNode] = []
    visit(document, _collector(DirectiveNode, applications.append))
    definitions = {directive.name: directive for directive in schema.directives}
    definitions |= {d.name: d for d in specified_directives if d.name not in definitions}
    for application in applications:
        definition = definitions.get(application.name.value)
        for argument in application.arguments or ():
            expected = definition.args.get(argument.name.value) if definition else None
            if expected and value_from_ast(argument.value, expected.type) is Undefined:
                where = f"@{application.name.value}({argument.name.value}:)"
                yield f'Invalid value for "{where}" of type "{expected.type}"', argument


def _collector(kind: type[Node], collect: Callable[[Any], None]) -> Visitor:
    class Collector(Visitor):
        def enter(self, node: Node, *_: object) -> None:
            if isinstance(node, kind):
                collect(node)

    return Collector()


def _first(error: GraphQLError) -> Node | None:
    return error.nodes[0] if error.nodes else None
