"""How commands talk to the user: results on standard output, everything else beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from chartgraph.demo import DemoError
from chartgraph.home import HomeError
from chartgraph.valkey import ValkeyError
from contract.keys import KeyMissingError
from gateway.federation.errors import SupergraphError
from gateway.settings import SettingsError
from subgraphs.connectors.config import ConfigError

errors = Console(stderr=True, soft_wrap=True)

EXPECTED = (
    ConfigError,
    DemoError,
    HomeError,
    KeyMissingError,
    SettingsError,
    SupergraphError,
    ValkeyError,
)
"""What the user can mend: shown as a message, never as a traceback."""


def table(*headings: str) -> Table:
    """Columns fold where there is no room: an address or an id that is cut off is no use."""
    return Table(*(Column(heading, overflow="fold") for heading in headings))


@contextmanager
def explained(*others: type[Exception]) -> Iterator[None]:
    """`others` are errors that only this command meets, and that the user can mend as well."""
    expected: tuple[type[Exception], ...] = (*EXPECTED, *others)
    try:
        yield
    except expected as error:
        errors.print(f"[red]{escape(str(error))}[/red]", highlight=False)
        raise typer.Exit(1) from None
