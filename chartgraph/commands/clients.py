"""`chartgraph clients list|check`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from chartgraph.console import errors, explained, table
from chartgraph.demo import DemoError, read_note
from chartgraph.home import home_folder
from chartgraph.valkey import running
from gateway.settings import Settings, SettingsError, load_settings
from sandbox.personas import CLIENTS

if TYPE_CHECKING:
    from gateway.bounds import Bucket
    from gateway.clients.registry import Client

app = typer.Typer(help="The registry of clients: who may use the API.", no_args_is_help=True)

Config = Annotated[Path | None, typer.Option(help="Settings of the gateway, a YAML file.")]
Registry = Annotated[
    Path | None, typer.Argument(help="Default: that of the settings, or of the running demo.")
]


@app.command("list")
def list_(file: Registry = None, *, config: Config = None) -> None:
    """Who is registered, what bounds each, and when it was last seen."""
    with _explained():
        settings = load_settings(config, home=home_folder())
        registered = _registered(settings, file)
        seen = asyncio.run(_last_seen(settings, tuple(registered)))
    rows = table("client", "name", "contact", "scopes", "points", "requests", "last seen")
    for each in registered.values():
        scopes = "any" if each.scopes is None else " ".join(sorted(each.scopes))
        points, requests = _bucket(each.budget.points), _bucket(each.budget.requests)
        last = _time(seen[each.id]) if each.id in seen else "never"
        cells = (each.id, each.name, each.contact, scopes, points, requests, last)
        rows.add_row(*map(escape, cells))
    Console().print(rows)


@app.command()
def check(file: Registry = None, *, config: Config = None) -> None:
    """Is the registry well formed, and are the manifests it names? Nothing is changed."""
    from gateway.documents.manifest import read_manifest  # noqa: PLC0415 - as below

    with _explained():
        registered = _registered(load_settings(config, home=home_folder()), file)
        for each in registered.values():
            if each.documents.manifest is not None:
                read_manifest(each.documents.manifest)
    errors.print(f"{len(registered)} clients are well formed.")


def _explained() -> AbstractContextManager[None]:
    from gateway.clients.registry import ClientsError  # noqa: PLC0415 - a tenth of a second
    from gateway.documents.manifest import ManifestError  # noqa: PLC0415 - likewise

    return explained(ClientsError, ManifestError)


def _registered(settings: Settings, file: Path | None) -> Mapping[str, Client]:
    from gateway.clients.registry import read_clients  # noqa: PLC0415 - likewise

    path = file or settings.clients or _of_the_demo(settings.home)
    if path is None:
        raise SettingsError("no registry of clients is set: name its file, or give --config")
    return read_clients(path, settings.limits, settings.budget)


def _of_the_demo(home: Path) -> Path | None:
    try:
        read_note(home)
    except DemoError:
        return None
    return CLIENTS


async def _last_seen(settings: Settings, clients: tuple[str, ...]) -> Mapping[str, float]:
    """Nothing where there is no Redis, or none that answers: each process knows its own."""
    configured = settings.redis_url
    url = configured.get_secret_value() if configured else running(settings.home)
    if url is None:
        errors.print("Without Redis each gateway keeps to itself who was seen.")
        return {}
    from redis.exceptions import RedisError  # noqa: PLC0415 - likewise

    from gateway.cache.sealed import connect  # noqa: PLC0415 - likewise
    from gateway.clients.uses import Uses  # noqa: PLC0415 - likewise

    redis = connect(url)
    try:
        return await Uses(redis).last(clients)
    except (RedisError, OSError):
        errors.print("Redis cannot be reached, so nobody can say who was seen.")
        return {}
    finally:
        await redis.aclose()


def _bucket(bucket: Bucket | None) -> str:
    return "any" if bucket is None else f"{bucket.maximum}, {bucket.restore_rate:g} a second"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
