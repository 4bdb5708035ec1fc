"""Printing a merged schema as supergraph SDL.

Types, directives and interfaces are sorted by name; fields keep the order the subgraphs give.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from graphql import print_ast
from graphql.language.block_string import is_printable_as_block_string, print_block_string

from gateway.composition.merge.composable import FEATURES, Composable, feature_specification
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.schema import (
    ROOTS,
    Applied,
    Argument,
    DirectiveDefinition,
    EnumValue,
    Field,
    Kind,
    TypeDefinition,
)
from gateway.composition.subgraphs import Subgraphs
from gateway.composition.values import (
    EnumName,
    ObjectValue,
    Value,
    print_arguments,
    print_value,
)
from gateway.federation.directives import JOIN_SDL, JOIN_URL, LINK_SDL, LINK_URL
from gateway.federation.link import FeatureUrl, Link

_KEYWORDS = {
    Kind.SCALAR: "scalar",
    Kind.OBJECT: "type",
    Kind.INTERFACE: "interface",
    Kind.UNION: "union",
    Kind.ENUM: "enum",
    Kind.INPUT: "input",
}


def print_supergraph(supergraph: Supergraph) -> str:
    blocks = [
        _print_schema(supergraph),
        LINK_SDL.strip(),
        JOIN_SDL.strip(),
        _print_graphs(supergraph.subgraphs),
        *_feature_definitions(supergraph.composable),
        *(_print_definition(definition) for definition in supergraph.definitions),
        *(_print_type(type_) for type_ in supergraph.types.values()),
    ]
    return "\n\n".join(blocks) + "\n"


def _print_schema(supergraph: Supergraph) -> str:
    links = [
        Applied("link", None, {"url": LINK_URL}),
        Applied("link", None, {"url": JOIN_URL, "for": EnumName("EXECUTION")}),
        *_feature_links(supergraph.composable),
    ]
    lines = [f"  {_print_applied(directive)}" for directive in (*links, *supergraph.directives)]
    roots = [f"  {name}: {type_}" for name, type_ in ROOTS.items() if type_ in supergraph.roots]
    description = _description(supergraph.description, "")
    return "\n".join([f"{description}schema", *lines, "{", *roots, "}"])


def _feature_links(composable: Composable) -> Iterator[Applied]:
    for directives, identity, version, purpose in FEATURES:
        feature = FeatureUrl(identity, identity.rpartition("/")[2], version)
        used = {means: composable.names[means] for means in directives if means in composable.names}
        if used:
            imports = [
                _import(f"@{element}", f"@{name}")
                for element, name in used.items()
                if name != _default_name(feature.name, element)
            ]
            yield _link(str(feature), imports, purpose)
    for link, pairs in composable.custom.links:
        yield _custom_link(link, pairs)


def _default_name(feature: str, element: str) -> str:
    return feature if element == feature else f"{feature}__{element}"


def _custom_link(link: Link, pairs: Iterable[tuple[str, str]]) -> Applied:
    imports = [_import(f"@{element}", f"@{name}") for name, element in pairs]
    return _link(str(link.url), imports, None)


def _link(url: str, imports: list[Value], purpose: str | None) -> Applied:
    arguments: dict[str, Value] = {"url": url}
    if imports:
        arguments["import"] = tuple(imports)
    if purpose:
        arguments["for"] = EnumName(purpose)
    return Applied("link", None, arguments)


def _import(element: str, name: str) -> Value:
    if element == name:
        return element
    fields: dict[str, Value] = {"name": element, "as": name}
    return ObjectValue(frozenset(fields.items()), tuple(fields))


def _feature_definitions(composable: Composable) -> Iterator[str]:
    """The definitions of composed directives; their scalars get the feature's prefix."""
    for directives, identity, version, _ in FEATURES:
        known = feature_specification(identity, version)
        used = [means for means in directives if means in composable.names]
        prefix = identity.rpartition("/")[2]
        scalars = known.scalars if used else ()
        for means in used:
            sdl = print_ast(known.directives[means])
            sdl = sdl.replace(f"directive @{means}", f"directive @{composable.names[means]}", 1)
            for scalar in known.scalars:
                sdl = re.sub(rf"\b{scalar}\b", f"{prefix}__{scalar}", sdl)
            yield sdl
        yield from (f"scalar {prefix}__{scalar}" for scalar in scalars)
    for name, definition in sorted(composable.custom.definitions.items()):
        yield _print_definition(definition, name)


def _print_graphs(subgraphs: Subgraphs) -> str:
    lines = []
    for member in subgraphs.members:
        arguments = print_arguments({"name": member.name, "url": member.subgraph.url})
        lines.append(f"  {member.graph} @join__graph{arguments}")
    return "\n".join(["enum join__Graph {", *lines, "}"])


def _print_definition(definition: DirectiveDefinition, name: str | None = None) -> str:
    arguments = _print_parameters(definition.arguments)
    repeatable = " repeatable" if definition.repeatable else ""
    locations = " | ".join(definition.locations)
    description = _description(definition.description, "")
    return (
        f"{description}directive @{name or definition.name}{arguments}{repeatable} on {locations}"
    )


def _print_type(type_: TypeDefinition) -> str:
    header = f"{_description(type_.description, '')}{_KEYWORDS[type_.kind]} {type_.name}"
    if type_.interfaces:
        header += f" implements {' & '.join(type_.interfaces)}"
    lines = [header, *(f"  {_print_applied(directive)}" for directive in type_.directives)]
    if type_.members:
        lines.append(f"  = {' | '.join(type_.members)}")
    body = [_print_field(field, type_.kind) for field in type_.fields.values()]
    body += [_print_enum_value(value) for value in type_.values.values()]
    return "\n".join([*lines, "{", *body, "}"] if body else lines)


def _print_field(field: Field, kind: Kind) -> str:
    description = _description(field.description, "  ")
    default = f" = {print_value(field.default)}" if field.has_default else ""
    parameters = _print_parameters(field.arguments) if kind is not Kind.INPUT else ""
    text = f"{description}  {field.name}{parameters}: {field.type}{default}"
    return text + "".join(f" {_print_applied(directive)}" for directive in field.directives)


def _print_enum_value(value: EnumValue) -> str:
    text = f"{_description(value.description, '  ')}  {value.name}"
    return text + "".join(f" {_print_applied(directive)}" for directive in value.directives)


def _print_parameters(arguments: Mapping[str, Argument]) -> str:
    if not arguments:
        return ""
    printed = [_print_parameter(argument) for argument in arguments.values()]
    if not any(argument.description for argument in arguments.values()):
        return f"({', '.join(printed)})"
    lines = [
        f"{_description(argument.description, '    ')}    {text}"
        for argument, text in zip(arguments.values(), printed, strict=True)
    ]
    return "(\n" + "\n".join(lines) + "\n  )"


def _print_parameter(argument: Argument) -> str:
    default = f" = {print_value(argument.default)}" if argument.has_default else ""
    text = f"{argument.name}: {argument.type}{default}"
    return text + "".join(f" {_print_applied(directive)}" for directive in argument.directives)


def _print_applied(directive: Applied) -> str:
    return f"@{directive.name}{print_arguments(directive.arguments)}"


def _description(text: str | None, indent: str) -> str:
    if text is None:
        return ""
    block = print_block_string(text) if is_printable_as_block_string(text) else print_value(text)
    return "\n".join(f"{indent}{line}" if line else line for line in block.split("\n")) + "\n"
