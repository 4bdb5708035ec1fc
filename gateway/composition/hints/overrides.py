from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.overrides import Outcome, Override, read_overrides
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Hint


def overrides(supergraph: Supergraph) -> Iterator[Hint]:
    """What is left to do once an @override has done its work.

    FROM_SUBGRAPH_DOES_NOT_EXIST, OVERRIDE_DIRECTIVE_CAN_BE_REMOVED,
    OVERRIDDEN_FIELD_CAN_BE_REMOVED and OVERRIDE_MIGRATION_IN_PROGRESS.
    """
    for type_name, field_name, sources in supergraph.subgraphs.fields():
        for found in read_overrides(supergraph.subgraphs, type_name, field_name, sources):
            coordinate = f"{type_name}.{field_name}"
            hint = _hint(found, coordinate)
            if hint is not None:
                yield Hint(*hint, coordinate)


def _hint(found: Override, coordinate: str) -> tuple[str, str] | None:
    if found.outcome is Outcome.FROM_UNKNOWN:
        message = f'There is no subgraph "{found.source}" for "{coordinate}" to be taken from'
        return "FROM_SUBGRAPH_DOES_NOT_EXIST", message
    if found.outcome in (Outcome.FROM_NOTHING, Outcome.FROM_EXTERNAL):
        message = f'"{found.source}" does not resolve "{coordinate}" any more: remove @override'
        return "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED", message
    if found.outcome not in (Outcome.STILL_USED, Outcome.UNUSED):
        return None
    if found.label is not None:
        message = f'"{coordinate}" is moving from "{found.source}" to "{found.subgraph}"'
        return "OVERRIDE_MIGRATION_IN_PROGRESS", message
    use = "mark it @external, since field sets or interfaces use it"
    advice = use if found.outcome is Outcome.STILL_USED else "remove it"
    message = f'"{coordinate}" of "{found.source}" is overridden: {advice}'
    return "OVERRIDDEN_FIELD_CAN_BE_REMOVED", message
