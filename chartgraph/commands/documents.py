"""`chartgraph documents push|check|diff|list|manifest`."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from chartgraph.console import errors, explained, table
from chartgraph.home import home_folder
from gateway.settings import Settings, load_settings
from schema import SUPERGRAPH

if TYPE_CHECKING:
    from chartgraph.documents import Problem
    from gateway.documents.registry import ClientDocuments

app = typer.Typer(
    help="Trusted documents: what a client's app runs, registered when it is built.",
    no_args_is_help=True,
)

SHOWN_OF_ID = 16

Manifest = Annotated[Path, typer.Argument(help="As Apollo's, Relay's or codegen's tools write it.")]
Client = Annotated[str, typer.Option(help="The client_id of its tokens; * is for every client.")]
Scopes = Annotated[
    str | None, typer.Option(help='What its tokens are granted: "patient/Patient.rs …".')
]
Supergraph = Annotated[Path, typer.Option(help="Default: the product's own.")]
Config = Annotated[Path | None, typer.Option(help="Settings of the gateway, a YAML file.")]


@app.command()
def push(
    manifest: Manifest,
    client: Client,
    *,
    scopes: Scopes = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take back all others of this client.")
    ] = False,
    supergraph: Supergraph = SUPERGRAPH,
    config: Config = None,
) -> None:
    """Register a manifest's documents, if all of them can run and be read."""
    from chartgraph import documents  # noqa: PLC0415 - half a second of imports

    async def register(settings: Settings) -> ClientDocuments:
        judge = documents.Judge(supergraph, settings.limits)
        wanted = _wanted(manifest, client, scopes)
        async with documents.open_registry(settings) as registry:
            entry = documents.client_of(settings, client)
            return await documents.push(registry, judge, wanted, replace=replace, client=entry)

    with _explained():
        try:
            pushed = asyncio.run(register(_settings(config)))
        except documents.RefusedError as error:
            _refuse(error.problems)
    errors.print(f"{escape(client)}: {len(pushed.documents)} documents are registered.")


@app.command()
def check(
    manifest: Annotated[
        Path | None, typer.Argument(help="Default: what is registered already.")
    ] = None,
    client: Annotated[str | None, typer.Option(help="Default: all of them.")] = None,
    *,
    scopes: Scopes = None,
    supergraph: Supergraph = SUPERGRAPH,
    config: Config = None,
) -> None:
    """Can the schema run them, and do the client's scopes read them? Nothing is changed."""
    from chartgraph import documents  # noqa: PLC0415 - likewise

    async def judged(settings: Settings) -> tuple[int, list[Problem]]:
        judge = documents.Judge(supergraph, settings.limits)
        async with documents.open_registry(settings) as registry:
            if manifest is None:
                clients = (client,) if client else await registry.clients()
                known = [await registry.read(each) for each in clients]
                count = sum(len(each.documents) for each in known)
                return count, list(documents.judge_registered(judge, known, settings))
            if client is None:
                raise documents.DocumentsError("whose documents are they? Tell it with --client")
            wanted = _wanted(manifest, client, scopes)
            entry = documents.client_of(settings, client)
            granted = documents.scopes_of(wanted, await registry.read(client), entry)
            limits = entry.limits if entry else None
            return len(wanted.documents), list(judge.problems(wanted.documents, granted, limits))

    with _explained():
        count, problems = asyncio.run(judged(_settings(config)))
    if problems:
        _refuse(tuple(problems))
    errors.print(f"{count} documents can run.")


@app.command()
def diff(manifest: Manifest, client: Client, *, config: Config = None) -> None:
    """What a push with --replace would add (+), change (~) and take back (-); 1 if anything."""
    from chartgraph import documents  # noqa: PLC0415 - likewise

    async def compared(settings: Settings) -> documents.Change:
        async with documents.open_registry(settings) as registry:
            wanted = _wanted(manifest, client, None)
            return documents.compare(await registry.read(client), wanted.documents)

    with _explained():
        change = asyncio.run(compared(_settings(config)))
    for mark, names in (("+", change.added), ("~", change.changed), ("-", change.removed)):
        for name in names:
            typer.echo(f"{mark} {name}")
    if change:
        raise typer.Exit(1)


@app.command("list")
def list_(
    client: Annotated[str | None, typer.Option(help="Default: all of them.")] = None,
    *,
    config: Config = None,
) -> None:
    """Who has registered what."""
    from chartgraph import documents  # noqa: PLC0415 - likewise

    async def registered(settings: Settings) -> list[ClientDocuments]:
        async with documents.open_registry(settings) as registry:
            clients = (client,) if client else await registry.clients()
            return [await registry.read(each) for each in clients]

    with _explained():
        known = asyncio.run(registered(_settings(config)))
    rows = table("client", "id", "operation", "scopes of the client")
    for each in known:
        for document_id, text in sorted(each.documents.items()):
            shown = document_id if len(document_id) <= SHOWN_OF_ID else document_id[:SHOWN_OF_ID]
            names = documents.operation_names(text)
            scopes = " ".join(each.scopes) if each.scopes is not None else "any"
            rows.add_row(*map(escape, (each.client, shown, names, scopes)))
    Console().print(rows)


@app.command()
def manifest(
    folder: Annotated[Path, typer.Argument(help="Of .graphql files, one operation in each.")],
    output: Annotated[Path | None, typer.Option(help="Default: standard output.")] = None,
) -> None:
    """Make a manifest of a folder of operations, for an app without a build tool of its own."""
    from chartgraph import documents  # noqa: PLC0415 - likewise

    with _explained():
        content = documents.manifest_of(folder)
        if output is not None:
            output.write_bytes(content)
    if output is None:
        typer.echo(content, nl=False)


def _explained() -> AbstractContextManager[None]:
    from chartgraph.documents import DocumentsError  # noqa: PLC0415 - likewise
    from gateway.clients.registry import ClientsError  # noqa: PLC0415 - likewise
    from gateway.documents.manifest import ManifestError  # noqa: PLC0415 - likewise
    from gateway.documents.registry import RegistryError  # noqa: PLC0415 - likewise

    return explained(ClientsError, DocumentsError, ManifestError, RegistryError, OSError)


def _settings(config: Path | None) -> Settings:
    return load_settings(config, home=home_folder())


def _wanted(path: Path, client: str, scopes: str | None) -> ClientDocuments:
    from gateway.documents.manifest import read_manifest  # noqa: PLC0415 - likewise
    from gateway.documents.registry import ClientDocuments  # noqa: PLC0415 - likewise

    granted = tuple(scopes.split()) if scopes is not None else None
    return ClientDocuments(client, dict(read_manifest(path)), granted)


def _refuse(problems: tuple[Problem, ...]) -> NoReturn:
    for each in problems:
        document = escape(each.document[:SHOWN_OF_ID])
        errors.print(f"[red]{each.code}[/red] {document}  {escape(each.message)}")
    errors.print(f"[red]{len(problems)} problems.[/red]")
    raise typer.Exit(1)
