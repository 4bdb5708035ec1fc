"""What `chartgraph up` says once it is ready."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console

from chartgraph.demo import Sandbox
from gateway.settings import Settings
from schema import FOLDER

QUERY = "{ patients(first: 3) { nodes { name { text } conditions { nodes { code { text } } } } } }"


def greet(gateway: str, settings: Settings, demo: Sandbox | None) -> None:
    say = Console(soft_wrap=True, highlight=False).print
    chartgraph, schema = (
        _from_here(Path(sys.executable).with_name("chartgraph")),
        _from_here(FOLDER),
    )
    say(f"\n[bold]Chartgraph is ready[/bold]  {gateway}/graphql")
    if settings.open:
        say(f"  GraphiQL         {gateway}/graphiql/   (choose a persona at the top)")
    say(f"  Who is who       {gateway}/steward/   (for identity stewards)")
    if demo is None:
        return
    say(f"  Fault panel      {demo.control}/   (make a source slow, broken or gone)")
    for name, upstream in demo.upstreams.items():
        say(f"  {name:<16} {upstream.url}   {upstream.title}")
    say(f"\n[bold]Ask it something[/bold] (personas: {', '.join(demo.personas)})")
    say(f"  TOKEN=$({chartgraph} token --persona clinician)", markup=False)
    say(
        f'  curl -s {gateway}/graphql -H "authorization: Bearer $TOKEN" \\\n'
        f"    -H 'content-type: application/json' -d '{{\"query\":\"{QUERY}\"}}'",
        markup=False,
    )
    say("\n[bold]More[/bold]")
    for command, purpose in (
        (f"plan {schema}/operations/patient-summary.graphql", "how it is fetched, who may run it"),
        (f"compose --config {schema}/supergraph.yaml", "the supergraph, or what is wrong with it"),
        ("reset", "empty the state folder, once this has stopped (Ctrl-C)"),
    ):
        say(f"  {chartgraph} {command:<50} [dim]{purpose}[/dim]")


def _from_here(path: Path) -> str:
    """As short as the user would type it."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near
