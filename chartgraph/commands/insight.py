"""`chartgraph insight refresh|status`."""

from __future__ import annotations

import time
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from chartgraph.console import errors, table
from chartgraph.home import home_folder
from subgraphs.connectors.errors import SourceState
from subgraphs.insight.notes import leave_word, read_progress
from subgraphs.insight.sources.bulk import Progress

LOOK_SECONDS: Final = 0.2

app = typer.Typer(
    help="What care gaps and rates are counted over: the sources' exports.", no_args_is_help=True
)


@app.command()
def status() -> None:
    """How new each source's export is, as the process that counts over it noted last."""
    progress = read_progress(home_folder())
    if progress is None:
        errors.print("No exports have been tried in this folder: is `chartgraph up` running?")
        raise typer.Exit(1)
    _show(progress)


@app.command()
def refresh(
    wait: Annotated[float, typer.Option(help="Seconds to wait for the round to end.")] = 600.0,
) -> None:
    """Ask every source for what has changed since its last whole export, now."""
    home = home_folder()
    before = read_progress(home)
    if before is None:
        errors.print("No exports have been tried in this folder: is `chartgraph up` running?")
        raise typer.Exit(1)
    leave_word(home)
    # A round under way does not know of what was asked for meanwhile: the one after it does.
    wanted = before.rounds + (2 if before.is_running else 1)
    ends = time.monotonic() + wait
    while time.monotonic() < ends:
        now = read_progress(home)
        if now is not None and not now.is_running and now.rounds >= wanted:
            _show(now)
            return
        time.sleep(LOOK_SECONDS)
    errors.print("The round has not ended in time; `chartgraph insight status` tells how it goes.")
    raise typer.Exit(1)


def _show(progress: Progress) -> None:
    rows = table("source", "state", "whole as of", "last tried", "lines", "unreadable")
    for each in progress.sources:
        is_well = each.state is SourceState.OK
        rows.add_row(
            escape(each.source),
            f"[{'green' if is_well else 'red'}]{each.state.value}[/]",
            each.as_of or "never",
            each.tried_at or "",
            str(each.rows),
            str(each.unreadable),
        )
    console = Console()
    console.print(rows)
    if progress.unknown:
        console.print(f"{progress.unknown} patients are of no person of the index: not counted.")
    if progress.is_running:
        console.print("A round is under way.")
