"""`chartgraph sources list|check`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from chartgraph.console import errors, explained, table
from chartgraph.home import home_folder
from subgraphs.connectors.config import ConfigError, SourceConfig
from subgraphs.connectors.sources_file import load_sources
from subgraphs.runtime.settings import RuntimeSettings

if TYPE_CHECKING:
    from subgraphs.connectors.probe import Probe

app = typer.Typer(help="The upstreams of sources.yaml.", no_args_is_help=True)

File = Annotated[
    Path | None, typer.Option("--sources", help="Default: CHARTGRAPH_SOURCES, or in the home.")
]


@app.command("list")
def list_(*, file: File = None) -> None:
    """What is configured; nobody is asked."""
    with explained():
        configured = _configured(file)
    rows = table("source", "title", "kind", "address", "serves", "credentials")
    for each in configured:
        rows.add_row(
            *map(
                escape,
                (each.id, each.title, _tag(each), each.url, ", ".join(each.serves), _auth(each)),
            )
        )
    Console().print(rows)


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Default: all of them.")] = None,
    *,
    file: File = None,
) -> None:
    """Is each reachable, does it take our credentials, and what can it do? Reads nobody's data."""
    with explained():
        configured = _configured(file)
        unknown = set(names or ()) - {each.id for each in configured}
        if unknown:
            raise ConfigError(f"there is no source {', '.join(sorted(unknown))}")
        wanted = [each for each in configured if not names or each.id in names]
        probes = asyncio.run(_probe_all(wanted))
    rows = table("source", "state", "took", "offers", "what is wrong")
    for each in probes:
        ok = each.state == "OK"
        rows.add_row(
            escape(each.source),
            f"[{'green' if ok else 'red'}]{each.state}[/]",
            f"{each.seconds * 1000:.0f} ms",
            escape(", ".join(each.offers)),
            escape(each.message),
        )
    Console().print(rows)
    failed = sum(each.state != "OK" for each in probes)
    if failed:
        errors.print(f"[red]{failed} of {len(probes)} sources cannot be used.[/red]")
        raise typer.Exit(1)


def _configured(file: Path | None) -> tuple[SourceConfig, ...]:
    return load_sources(file or RuntimeSettings(home=home_folder()).sources_file)


async def _probe_all(configured: list[SourceConfig]) -> list[Probe]:
    return list(await asyncio.gather(*map(_probe, configured)))


async def _probe(config: SourceConfig) -> Probe:
    from subgraphs.connectors.errors import SourceState  # noqa: PLC0415 - the connectors are slow
    from subgraphs.connectors.probe import Probe, probe  # noqa: PLC0415 - to import

    try:
        return await probe(config)
    except ConfigError as error:
        # A key or token that cannot be read: of this source alone, the others are checked.
        return Probe(config.id, SourceState.INVALID, 0.0, str(error))


def _tag(config: SourceConfig) -> str:
    return str(config.__struct_config__.tag)


def _auth(config: SourceConfig) -> str:
    return str(config.auth.__struct_config__.tag)
