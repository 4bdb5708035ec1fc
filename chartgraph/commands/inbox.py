"""`chartgraph inbox load`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from chartgraph.console import errors, explained, table
from chartgraph.handing_in import REFUSED, load_files
from chartgraph.home import home_folder
from subgraphs.connectors.config import ConfigError
from subgraphs.connectors.inbox.settings import InboxSource
from subgraphs.connectors.sources_file import load_sources
from subgraphs.runtime.settings import RuntimeSettings

app = typer.Typer(
    help="What is pushed instead of fetched: HL7 v2, C-CDA, X12.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """A group, though it has one command yet: more kinds of documents are loaded alike."""


@app.command()
def load(
    source: Annotated[str, typer.Argument(help="A source of kind inbox.")],
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
) -> None:
    """Take messages and documents from files, one in each; what was taken is not taken again."""
    with explained():
        settings = RuntimeSettings(home=home_folder())
        configured = load_sources(settings.sources_file)
        inboxes = {each.id: each for each in configured if isinstance(each, InboxSource)}
        if source not in inboxes:
            raise ConfigError(f"there is no source {source} of kind inbox")
        told = asyncio.run(
            load_files(settings, inboxes[source], [file.read_bytes() for file in files])
        )
    rows = table("file", "outcome", "what is wrong, or was left out")
    for file, (outcome, remark) in zip(files, told, strict=True):
        rows.add_row(escape(file.name), outcome, escape(remark))
    Console().print(rows)
    refused = sum(outcome == REFUSED for outcome, _ in told)
    if refused:
        errors.print(f"[red]{refused} of {len(files)} files were refused.[/red]")
        raise typer.Exit(1)
