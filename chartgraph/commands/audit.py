"""`chartgraph audit verify|export`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from chartgraph.console import errors, explained
from chartgraph.home import home_folder

app = typer.Typer(help="The trail: who saw what, and is it whole?", no_args_is_help=True)

MAX_SHOWN = 50
"""With a wrong key nothing fits, and one screen says that as well."""


@app.command()
def verify() -> None:
    """Is every record there, as it was written? 1 if not, naming each that is not."""
    from chartgraph.auditing import TrailError, open_trail  # noqa: PLC0415 - imports SQLAlchemy

    with explained(TrailError):
        trail = open_trail(home_folder())
        findings, records = trail.verify(), trail.count()
    for finding in findings[:MAX_SHOWN]:
        errors.print(f"[red]{escape(str(finding))}[/red]")
    if len(findings) > MAX_SHOWN:
        errors.print(f"[red]… and {len(findings) - MAX_SHOWN} more[/red]")
    if findings:
        errors.print(f"[red]{len(findings)} findings: the trail is not whole.[/red]")
        raise typer.Exit(1)
    typer.echo(f"{records} records, all as they were written.")


@app.command()
def export(
    *,
    output: Annotated[
        Path | None, typer.Option(help="Made for its owner alone. Default: standard output.")
    ] = None,
    patient: Annotated[str | None, typer.Option(help="Only this one's, by Patient.id.")] = None,
    since: Annotated[datetime | None, typer.Option(help="UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="UTC.")] = None,
) -> None:
    """AuditEvents (FHIR R4, IHE BALP) as ndjson. They hold PHI: who was asked about, and what."""
    from chartgraph.auditing import TrailError, export_to, open_trail  # noqa: PLC0415 - likewise

    with explained(TrailError, OSError):
        trail = open_trail(home_folder())
        count = export_to(output, trail.events(patient, since, until))
        findings = trail.verify()
    errors.print(f"{count} events.")
    if findings:
        errors.print(f"[red]{len(findings)} findings: see `chartgraph audit verify`.[/red]")
        raise typer.Exit(1)
