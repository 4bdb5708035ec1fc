from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.executable import EXECUTABLE, common_locations, executable_sources
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Hint, names


def executable(supergraph: Supergraph) -> Iterator[Hint]:
    """Directives of operations that do not, or not wholly, reach the supergraph.

    INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE, INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS,
    INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE and NO_EXECUTABLE_DIRECTIVE_INTERSECTION.
    """
    for name, sources in executable_sources(supergraph.subgraphs).items():
        if name in supergraph.composable.custom.definitions:
            continue
        coordinate = f"@{name}"
        missing = [m.name for m in supergraph.subgraphs.members if m.name not in sources]
        if missing:
            message = f'"{coordinate}" is left out, since {names(missing)} do not define it'
            yield Hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE", message, coordinate)
            continue
        if not common_locations(sources):
            message = f'"{coordinate}" is left out: no location is common to all subgraphs'
            yield Hint("NO_EXECUTABLE_DIRECTIVE_INTERSECTION", message, coordinate)
            continue
        if len({EXECUTABLE.intersection(source.locations) for source in sources.values()}) > 1:
            message = f'"{coordinate}" is kept for the locations common to all subgraphs'
            yield Hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS", message, coordinate)
        if len({source.repeatable for source in sources.values()}) > 1:
            message = f'"{coordinate}" is not repeatable, as it is not in all subgraphs'
            yield Hint("INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE", message, coordinate)
