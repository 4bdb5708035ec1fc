"""`chartgraph compose`: the supergraph, or every problem with its place and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from gateway.composition import CompositionError, Contract, Problem, SubgraphInput, compose
from gateway.composition.config import ConfigError, read_config
from schema import FOLDER
from subgraphs.catalog import added, schema_text

PORT: Final = 4120
"""Of the first subgraph that a package brings along; the others follow."""


def compose_to(
    config: Path | None, output: Path | None, contract: Contract | None, errors: Console
) -> bool:
    """Write the supergraph to `output`, or to standard output; False if there is none.

    Without a configuration it is that of every subgraph there is here.
    """
    try:
        composed = compose(read_config(config) if config else installed(), contract)
    except ConfigError as error:
        errors.print(f"[red]{escape(str(error))}[/red]")
        return False
    except CompositionError as error:
        for problem in error.problems:
            errors.print(_explain(problem))
        count = len(error.problems)
        errors.print(f"[red]{count} problem{'s' * (count > 1)}, no supergraph.[/red]")
        return False
    for hint in composed.hints:
        errors.print(f"[yellow]{hint.code}[/yellow] {escape(hint.message)}")
    if output is None:
        print(composed.sdl, end="")  # noqa: T201 - the command's result
    else:
        output.write_text(composed.sdl, encoding="utf-8")
    return True


def installed() -> list[SubgraphInput]:
    """Ours as they are committed, and those that packages bring along."""
    ours = read_config(FOLDER / "supergraph.yaml")
    others = (
        SubgraphInput(name, f"http://127.0.0.1:{port}/graphql", schema_text(name))
        for port, name in enumerate(added(), PORT)
    )
    return [*ours, *others]


def contract_of(
    include: Iterable[str], exclude: Iterable[str], *, hide_unreachable_types: bool
) -> Contract | None:
    """None where nothing is to be left out."""
    contract = Contract(frozenset(include), frozenset(exclude), hide_unreachable_types)
    return None if contract == Contract() else contract


def _explain(problem: Problem) -> str:
    place = problem.subgraph or "all subgraphs"
    if problem.location:
        place += f":{problem.location.line}:{problem.location.column}"
    return (
        f"[red]{problem.code}[/red] {escape(place)}\n"
        f"  {escape(problem.message)}\n  [dim]{escape(problem.mend)}[/dim]"
    )
