from __future__ import annotations

from collections.abc import Iterator

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.facts import selections_of
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.rules.field_argument_mismatch import is_required
from gateway.composition.types import base_name


def requires_of_merged_arguments(supergraph: Supergraph) -> Iterator[Problem]:
    """REQUIRES_INVALID_FIELDS: arguments merge by intersection, and @requires asks others."""
    for member in supergraph.subgraphs.members:
        for field, requires in member.facts.applications("requires"):
            selections = selections_of(requires.text("fields"))
            assert selections is not None, "every @requires has been checked in its subgraph"
            for message in _flaws(supergraph, field.parent, selections):
                text = f'On field "{field.coordinate}", for its @requires: {message}'
                yield problem("REQUIRES_INVALID_FIELDS", text, member.name, requires.node)


def _flaws(supergraph: Supergraph, parent: str, selections: SelectionSetNode) -> Iterator[str]:
    for selection in selections.selections:
        inner = parent
        if isinstance(selection, FieldNode):
            field = supergraph.types[parent].fields.get(selection.name.value)
            if field is None:
                continue
            given = {argument.name.value for argument in selection.arguments or ()}
            for name in sorted(given - field.arguments.keys()):
                yield f'not every subgraph knows argument "{name}" of "{field.coordinate}"'
            for argument in field.arguments.values():
                if is_required(argument) and argument.name not in given:
                    yield f'"{argument.coordinate}" needs a value in another subgraph'
            inner = base_name(field.type)
        elif isinstance(selection, InlineFragmentNode) and selection.type_condition:
            inner = selection.type_condition.name.value
        nested = getattr(selection, "selection_set", None)
        if nested:
            yield from _flaws(supergraph, inner, nested)
