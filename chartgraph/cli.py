"""The command line: one command per thing a user does, over the module that does it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from chartgraph.commands import audit, clients, documents, inbox, insight, policies, sources
from chartgraph.console import errors, explained
from chartgraph.demo import read_note
from chartgraph.home import home_folder
from chartgraph.home import reset as reset_home
from chartgraph.persona import Persona
from schema import POLICIES, SUPERGRAPH

app = typer.Typer(
    help="One patient, every source, one graph.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(documents.app, name="documents")
app.add_typer(clients.app, name="clients")
app.add_typer(inbox.app, name="inbox")
app.add_typer(insight.app, name="insight")
app.add_typer(sources.app, name="sources")
app.add_typer(audit.app, name="audit")
app.add_typer(policies.app, name="policies")

Port = Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")]
Config = Annotated[Path | None, typer.Option(help="Settings of the gateway, a YAML file.")]
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command()
def up(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="With the sandbox's upstreams.")] = False,
    closed: Annotated[
        bool, typer.Option("--closed", help="Production settings: nothing anonymous.")
    ] = False,
    port: Port = 4000,
    config: Config = None,
    seed: Annotated[int, typer.Option(help="Of the sandbox's data.")] = 7,
    patients: Annotated[int, typer.Option(min=24, help="In the sandbox.")] = 64,
) -> None:
    """Run the gateway and every subgraph in one process."""
    from chartgraph.up import Choice, run  # noqa: PLC0415 - likewise

    with explained():
        run(home_folder(), Choice(demo, closed, port, config, seed, patients))


@app.command(context_settings=PASSED_ON)
def gateway(context: typer.Context) -> None:
    """Serve any Federation 2 supergraph: --supergraph F --port N [--dev] [--config F]."""
    from gateway.__main__ import main  # noqa: PLC0415 - it alone is half a second of imports

    raise typer.Exit(main(context.args))


@app.command(context_settings=PASSED_ON)
def subgraph(context: typer.Context) -> None:
    """Serve one subgraph alone: NAME --port N [--dev]."""
    from subgraphs.__main__ import main  # noqa: PLC0415 - likewise

    main(context.args)


@app.command()
def compose(
    config: Annotated[
        Path | None,
        typer.Option(help="supergraph.yaml, shaped as rover's. Default: every subgraph there is."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Default: standard output.")] = None,
    include_tag: Annotated[
        list[str] | None, typer.Option(help="Show only what has such a tag. Repeatable.")
    ] = None,
    exclude_tag: Annotated[
        list[str] | None, typer.Option(help="Hide what has such a tag. Repeatable.")
    ] = None,
    *,
    hide_unreachable_types: Annotated[
        bool, typer.Option("--hide-unreachable-types", help="Hide types no query leads to.")
    ] = False,
) -> None:
    """Compose subgraphs into a supergraph, or name every problem."""
    from chartgraph.composing import compose_to, contract_of  # noqa: PLC0415 - likewise

    contract = contract_of(
        include_tag or (), exclude_tag or (), hide_unreachable_types=hide_unreachable_types
    )
    if not compose_to(config, output, contract, errors):
        raise typer.Exit(1)


@app.command()
def plan(
    operation: Annotated[Path, typer.Argument(help="A document, a .graphql file.")],
    name: Annotated[str | None, typer.Option(help="Which operation of several.")] = None,
    supergraph: Annotated[Path, typer.Option(help="Default: the product's own.")] = SUPERGRAPH,
    *,
    persona: Annotated[Persona | None, typer.Option(help="For one of the demo's.")] = None,
    caller: Annotated[Path | None, typer.Option(help="For another, in YAML or JSON.")] = None,
    access: Annotated[
        Path, typer.Option("--policies", help="Default: the product's own.")
    ] = POLICIES,
) -> None:
    """Show how an operation would be fetched, what that costs, and who may run it.

    With --persona or --caller: what is fetched for that one, and who decides about each field.
    """
    from chartgraph.deciding import caller_of  # noqa: PLC0415 - likewise
    from chartgraph.explaining import UNEXPLAINED, Explainer, complaint  # noqa: PLC0415 - likewise

    try:
        explainer = Explainer.read(supergraph, access)
        asked = explainer.operation(operation, name)
        if persona is None and caller is None:
            paragraphs = explainer.explain(asked)
        else:
            paragraphs = explainer.explain_to(caller_of(persona, caller), asked)
        for paragraph in paragraphs:
            typer.echo(f"{paragraph.rstrip()}\n")
    except UNEXPLAINED as error:
        errors.print(f"[red]{escape(complaint(error))}[/red]", highlight=False)
        raise typer.Exit(1) from None


@app.command()
def token(
    persona: Annotated[Persona, typer.Option(help="Whom to sign in as.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The whole token response.")] = False,
) -> None:
    """Print an access token of the running demo's issuer."""
    from chartgraph.tokens import persona_token  # noqa: PLC0415 - likewise

    with explained():
        response = asyncio.run(persona_token(read_note(home_folder()).issuer, persona))
    answer = response.decode() if as_json else msgspec.json.decode(response)["access_token"]
    typer.echo(answer)


@app.command()
def keys() -> None:
    """Print a new key for each purpose, as the variables of a distributed deployment."""
    from chartgraph.keyset import new_keys  # noqa: PLC0415 - likewise

    for variable, key in new_keys():
        typer.echo(f"{variable}={key}")


@app.command()
def reset() -> None:
    """Empty the state folder: stores, keys and caches."""
    with explained():
        reset_home(home_folder())
    errors.print(f"{home_folder()} is empty.")
