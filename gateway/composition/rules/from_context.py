from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.context import parse_context
from gateway.composition.context_selection import selection_flaws
from gateway.composition.facts import Facts
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Argument, Field, Kind, TypeDefinition, applied


def from_context(facts: Facts) -> Iterator[Problem]:
    """CONTEXT_NOT_SET, NO_CONTEXT_IN_SELECTION, CONTEXT_INVALID_SELECTION and
    CONTEXT_NO_RESOLVABLE_KEY.

    https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/entities/use-contexts
    """
    contexts = facts.contexts()
    for type_, field, argument, directive in facts.context_arguments():
        found = _flaws(facts, contexts, type_, field, argument, directive.text("field") or "")
        for code, message in found:
            text = f'Argument "{argument.coordinate}": {message}'
            yield problem(code, text, facts.subgraph.name, directive.node)


def _flaws(
    facts: Facts,
    contexts: dict[str, list[TypeDefinition]],
    type_: TypeDefinition,
    field: Field,
    argument: Argument,
    text: str,
) -> Iterator[tuple[str, str]]:
    if type_.kind is not Kind.OBJECT:
        yield "CONTEXT_NOT_SET", "@fromContext cannot be used in an abstract type"
        return
    for interface in type_.interfaces:
        if facts.subgraph.field(interface, field.name):
            message = f'@fromContext cannot be used on a field of interface "{interface}"'
            yield "CONTEXT_NOT_SET", message
    if argument.has_default:
        yield "CONTEXT_NOT_SET", "an argument from a context cannot have a default"
    name, selection = parse_context(text)
    if name is None or not selection:
        yield "NO_CONTEXT_IN_SELECTION", f'"{text}" names no context, as "$context" would'
        return
    if name not in contexts:
        yield "CONTEXT_NOT_SET", f'no type sets the context "{name}"'
    else:
        for message in selection_flaws(facts, contexts[name], selection, argument.type):
            yield "CONTEXT_INVALID_SELECTION", message
    if all(key.arguments.get("resolvable") is False for key in applied(type_, "key")):
        message = f'"{type_.name}" has no resolvable key, by which it could be asked for'
        yield "CONTEXT_NO_RESOLVABLE_KEY", message
