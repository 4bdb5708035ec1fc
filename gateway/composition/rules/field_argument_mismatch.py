from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.composition.merge.arguments import argument_sources, is_contextual
from gateway.composition.merge.defaults import defaults_conflict
from gateway.composition.merge.executable import executable_sources
from gateway.composition.merge.references import merge_references
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, names, problem
from gateway.composition.schema import Argument, has
from gateway.composition.subgraphs import Subgraphs
from gateway.composition.types import NonNull


def field_argument_mismatch(supergraph: Supergraph) -> Iterator[Problem]:
    """What the subgraphs that resolve a field say differently of its arguments.

    The same goes for the arguments of directives in operations.

    REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH, FIELD_ARGUMENT_TYPE_MISMATCH,
    FIELD_ARGUMENT_DEFAULT_MISMATCH, CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS.
    """
    subgraphs = supergraph.subgraphs
    for _, _, sources in subgraphs.fields():
        resolving = {
            name: field
            for name, field in sources.items()
            if field is not None and not subgraphs.by_name[name].facts.is_external(field)
        }
        for arguments in argument_sources(resolving).values():
            yield from _argument_problems(subgraphs, arguments)
    for definition in supergraph.definitions:
        for arguments in argument_sources(executable_sources(subgraphs)[definition.name]).values():
            yield from _argument_problems(subgraphs, arguments)


def _argument_problems(
    subgraphs: Subgraphs, sources: Mapping[str, Argument | None]
) -> Iterator[Problem]:
    present = {name: argument for name, argument in sources.items() if argument is not None}
    missing = [name for name in sources if name not in present]
    required = [name for name, argument in present.items() if is_required(argument)]
    last, argument = list(present.items())[-1]
    if is_contextual(present.values()):
        for name in required:
            if not has(present[name], "fromContext"):
                message = f'"{argument.coordinate}" comes from a context elsewhere but not here'
                code = "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS"
                yield problem(code, message, name, present[name].node)
        return
    if missing:
        if required:
            message = (
                f'"{argument.coordinate}" is required in {names(required)}'
                f" but unknown in {names(missing)}"
            )
            code = "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH"
            yield problem(code, message, required[0], present[required[0]].node)
        return
    types = [one.type for one in present.values()]
    if not merge_references(types, subgraphs.is_possible, is_input=True).compatible:
        said = ", ".join(f'"{one.type}" in "{name}"' for name, one in present.items())
        message = f'Argument "{argument.coordinate}" has incompatible types: {said}'
        yield problem("FIELD_ARGUMENT_TYPE_MISMATCH", message, last, argument.node)
    if defaults_conflict(list(present.values())):
        message = f'Argument "{argument.coordinate}" has different defaults'
        yield problem("FIELD_ARGUMENT_DEFAULT_MISMATCH", message, last, argument.node)


def is_required(argument: Argument) -> bool:
    return isinstance(argument.type, NonNull) and not argument.has_default
