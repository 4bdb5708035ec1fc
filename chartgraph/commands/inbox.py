"""`chartgraph inbox load`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from chartgraph.console import errors, explained, table
from chartgraph.home import home_folder
from subgraphs.connectors.config import ConfigError, InboxSource, load_sources
from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.inbox.deliveries import read_delivery
from subgraphs.connectors.inbox.store import InboxStore, inbox_url, open_inbox
from subgraphs.runtime.settings import RuntimeSettings

REFUSED: Final = "refused"

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


async def load_files(
    settings: RuntimeSettings, source: InboxSource, contents: list[bytes]
) -> list[tuple[str, str]]:
    """For each its outcome, and what is wrong or was left out."""
    url = settings.database_url or inbox_url(settings.home)
    store = await open_inbox(url, settings.key_ring().key("store:inbox"))
    try:
        return [await _take(store, source, content) for content in contents]
    finally:
        await store.close()


async def _take(store: InboxStore, source: InboxSource, content: bytes) -> tuple[str, str]:
    try:
        delivery = read_delivery(content, source, store).delivery
    except UpstreamError as error:
        return REFUSED, str(error)
    is_new = await store.take(source.id, delivery)
    left_out = ", ".join(f"{count} {kind}" for kind, count in delivery.left_out.items())
    return ("taken" if is_new else "known already"), left_out
