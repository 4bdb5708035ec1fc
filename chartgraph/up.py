"""`chartgraph up`: the gateway and every subgraph in one process, the sandbox in another."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvloop

from chartgraph.composing import compose_to
from chartgraph.console import errors
from chartgraph.demo import (
    Note,
    Sandbox,
    hand_in_claims,
    issuers,
    sandbox,
    write_note,
    write_sources,
)
from chartgraph.greeting import greet
from chartgraph.home import HomeError, owned
from chartgraph.page import TOKEN_URL, page_config, persona_tokens
from chartgraph.ports import free_port, holder, is_free
from chartgraph.signing import write_down
from chartgraph.steward import PATH as STEWARD_PATH
from chartgraph.steward import steward_page
from chartgraph.valkey import valkey
from gateway.__main__ import server_config
from gateway.app import create_app
from gateway.bounds import Cost, Show, Unknown
from gateway.execution.direct_client import DirectSubgraphClient
from gateway.http.server import DrainingServer
from gateway.settings import Settings, load_settings
from gateway.telemetry import start_logging
from sandbox.personas import CLIENTS, USER_CLIENT
from schema import DOCUMENTS, POLICIES, SUPERGRAPH
from subgraphs.catalog import added, names, open_subgraphs
from subgraphs.runtime.asgi import AsgiApp
from subgraphs.runtime.server import UnwindingServer
from subgraphs.runtime.settings import RuntimeSettings
from subgraphs.telehealth.sources.notices import WEBHOOK_PATH


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user asked for; see the command's help."""

    demo: bool
    closed: bool
    port: int
    config: Path | None
    seed: int
    patients: int


def run(home: Path, choice: Choice) -> None:
    """Serve until a signal ends it."""
    port = _port(choice.port)
    start_logging(pretty=False)
    with contextlib.ExitStack() as stack:
        stack.enter_context(owned(home))
        redis_url = stack.enter_context(_redis(home))
        demo = stack.enter_context(_sandbox(home, choice, port)) if choice.demo else None
        runtime = RuntimeSettings(home=home, redis_url=redis_url)
        if demo is not None:
            write_sources(demo, home / "sources.yaml")
            runtime = runtime.model_copy(update={"sources": home / "sources.yaml"})
            hand_in_claims(demo, runtime)
        settings = _gateway_settings(home, choice, port, redis_url, demo)
        uvloop.run(_serve(settings, runtime, demo))


def _port(wanted: int) -> int:
    if wanted and not is_free(wanted):
        raise HomeError(f"port {wanted} is held by {holder(wanted)}; take another with --port.")
    return wanted or free_port()


@contextlib.contextmanager
def _redis(home: Path) -> Iterator[str]:
    """The configured Redis, or else a Valkey of this folder."""
    configured = os.environ.get("CHARTGRAPH_REDIS_URL")
    if configured:
        yield configured
        return
    with valkey(home) as url:
        yield url


@contextlib.contextmanager
def _sandbox(home: Path, choice: Choice, port: int) -> Iterator[Sandbox]:
    webhook_url = f"http://127.0.0.1:{port}{WEBHOOK_PATH}"
    with sandbox(
        home, webhook_url=webhook_url, seed=choice.seed, patients=choice.patients
    ) as running:
        yield running


def _gateway_settings(
    home: Path, choice: Choice, port: int, redis_url: str, demo: Sandbox | None
) -> Settings:
    given = {"issuers": issuers(demo)} if demo else {}
    settings = load_settings(
        choice.config,
        supergraph=_supergraph(home),
        home=home,
        port=port,
        redis_url=redis_url,
        closed=choice.closed or not choice.demo,
        allow_anonymous_introspection=choice.demo and not choice.closed,
        signed_subgraphs=frozenset(names()),
        **given,
    )
    if settings.policies is None:
        settings = settings.model_copy(update={"policies": POLICIES})
    if demo is None:
        return settings
    return settings.model_copy(update=_of_the_demo(settings))


def _supergraph(home: Path) -> Path:
    """The committed one, unless packages bring subgraphs along."""
    if not added():
        return SUPERGRAPH
    composed = home / "supergraph.graphql"
    if not compose_to(None, composed, None, errors):
        raise HomeError("what packages bring along makes no supergraph with ours.")
    return composed


def _of_the_demo(settings: Settings) -> dict[str, Any]:
    """What the demo brings, beside and below what the user has set."""
    update: dict[str, Any] = {
        "trusted_documents": {USER_CLIENT: DOCUMENTS, **settings.trusted_documents}
    }
    if settings.clients is None:
        # Its issuer signs in whoever comes; the registry shows what one is bound by.
        update |= {"clients": CLIENTS, "unknown_clients": settings.unknown_clients or Unknown.ALLOW}
    if "cost" not in settings.model_fields_set:
        update["cost"] = Cost(show=Show.DEVELOPERS)
    return update


class _UnwindingServer(DrainingServer, UnwindingServer):
    """Long answers end well before it stops, and the process outlives it."""


async def _serve(settings: Settings, runtime: RuntimeSettings, demo: Sandbox | None) -> None:
    async with open_subgraphs(names(), runtime) as apps:
        if demo is not None:
            await write_down(demo.consents, apps["governance"].subgraph.services.store)
        gateway = create_app(
            settings,
            {name: DirectSubgraphClient(app) for name, app in apps.items()},
            page=page_config(demo, runtime.key_ring()) if demo else None,
            mounts=_mounts(settings, apps, demo),
            checks={name: app.ready for name, app in apps.items()},
        )
        # Started by us and not by the server, so that what is wrong reaches the user as a message.
        await gateway.start()
        announcing = asyncio.create_task(_announce(settings, demo))
        try:
            signal.signal(signal.SIGHUP, lambda *_: gateway.reload_soon())
            config = server_config(gateway, settings, lifespan="off")
            await _UnwindingServer(config, gateway.drain).serve()
        finally:
            announcing.cancel()
            await asyncio.gather(announcing, return_exceptions=True)
            await gateway.stop()


def _mounts(
    settings: Settings, apps: Mapping[str, AsgiApp], demo: Sandbox | None
) -> dict[str, AsgiApp]:
    # A mounted application sees whole paths, so of a subgraph only these are reached.
    mounts: dict[str, AsgiApp] = {
        "/authorizations": apps["coverage"],
        "/payments": apps["coverage"],
        "/webhooks": apps["telehealth"],
        "/inbox": apps["identity"],
    }
    is_open = demo is not None and settings.open
    if demo and is_open:
        mounts["/demo"] = persona_tokens(demo.issuer)
    mounts[STEWARD_PATH] = steward_page(TOKEN_URL if is_open else None)
    return mounts


async def _announce(settings: Settings, demo: Sandbox | None) -> None:
    """Say where everything is once it can be used."""
    gateway = f"http://127.0.0.1:{settings.port}"
    async with httpx2.AsyncClient(base_url=gateway, trust_env=False) as client:
        while not await _is_ready(client):  # noqa: ASYNC110 - it asks over HTTP, as anyone would
            await asyncio.sleep(0.05)
    # What is alive now stays: collecting garbage need not look at it again.
    gc.freeze()
    if demo is not None:
        note = Note(gateway, demo.issuer, demo.control, tuple(demo.personas))
        write_note(settings.home, note)
    greet(gateway, settings, demo)


async def _is_ready(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/ready")).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False
