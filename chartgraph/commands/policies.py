"""`chartgraph policies check|test|explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from chartgraph.console import errors, explained
from chartgraph.persona import Persona
from schema import POLICIES, ROLES, SUPERGRAPH

app = typer.Typer(help="Who may see what, in Cedar.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option("--policies", help="Default: the product's own.")]


@app.command()
def check(
    *,
    policies: Folder = POLICIES,
    roles: Annotated[list[Path] | None, typer.Option(help="Files of roles. Repeatable.")] = None,
    supergraph: Annotated[Path, typer.Option(help="Default: the product's own.")] = SUPERGRAPH,
) -> None:
    """Can they be taken, and does the supergraph name none that permits nobody? 1 if not."""
    from chartgraph.deciding import missing, read  # noqa: PLC0415 - Cedar takes time to import

    with explained(OSError, UnicodeDecodeError):
        found = read(policies, roles or [ROLES])
        unmet = missing(found, supergraph)
    for name in unmet:
        errors.print(f"[red]No policy permits {escape(name)}, which the supergraph names.[/red]")
    if unmet:
        raise typer.Exit(1)
    typer.echo(f"{len(found.statements)} policies for {len(found.decisions)} decisions, all good.")


@app.command("test")
def run_table(
    *,
    policies: Folder = POLICIES,
    table: Annotated[Path | None, typer.Option(help="Default: decisions.yaml in it.")] = None,
) -> None:
    """Do they decide what the table says? 1 if not, or if a decision is not shown both ways."""
    from chartgraph.deciding import complaints, read  # noqa: PLC0415 - likewise

    with explained():
        count, found = complaints(read(policies, ()), table or policies / "decisions.yaml")
    for each in found:
        errors.print(f"[red]{escape(each)}[/red]", highlight=False)
    if found:
        raise typer.Exit(1)
    typer.echo(f"{count} decisions, all as expected.")


@app.command()
def explain(
    decision: Annotated[str, typer.Argument(help="As @policy names it.")],
    *,
    persona: Annotated[Persona | None, typer.Option(help="One of the demo's.")] = None,
    caller: Annotated[Path | None, typer.Option(help="Another, in YAML or JSON.")] = None,
    policies: Folder = POLICIES,
) -> None:
    """Who decides it about whom, in the policies' own words."""
    from chartgraph.deciding import caller_of, read, sentences  # noqa: PLC0415 - likewise

    with explained():
        for line in sentences(read(policies, ()), decision, caller_of(persona, caller)):
            typer.echo(line)
