"""Put the parts of a gateway together, and take them apart in the opposite order."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.keys import KEY_BYTES
from gateway.documents.resolve import Documents
from gateway.documents.store import DocumentStore, ManifestError, read_manifest
from gateway.engine import Engine
from gateway.exchange import Peers
from gateway.execution.client import SubgraphClient
from gateway.execution.http_client import HttpSubgraphClient
from gateway.federation.access_rules import access_rules
from gateway.federation.supergraph import Supergraph, load_supergraph
from gateway.pipeline import Pipeline
from gateway.settings import Settings, SettingsError
from gateway.telemetry import Metrics

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gateway.audit.trail import AuditTrail
    from gateway.authorization.tokens import TokenVerifier
    from gateway.cache.sealed import SealedCache


@dataclass(frozen=True, slots=True)
class Assembly:
    pipeline: Pipeline
    store: DocumentStore
    redis: Redis | None
    verifier: TokenVerifier | None
    trail: AuditTrail | None
    _closing: AsyncExitStack

    async def close(self) -> None:
        await self._closing.aclose()

    async def checks(self) -> Mapping[str, bool]:
        """What has to hold for a request to be answered well, by name."""
        checks = {"schema": True}
        if self.verifier is not None:
            checks["issuers"] = self.verifier.ready
        if self.redis is not None:
            checks["redis"] = await _answers(self.redis)
        if self.trail is not None:
            checks["audit"] = await self.trail.is_writable()
        return checks


async def assemble(
    settings: Settings, clients: Mapping[str, SubgraphClient], metrics: Metrics
) -> Assembly:
    """Raises `SupergraphError` or `SettingsError`."""
    supergraph = _read_supergraph(settings)
    async with AsyncExitStack() as building:
        redis = await _connect(settings, building)
        store = DocumentStore(_read_manifests(settings), _sealed(settings, redis, "documents"))
        engine = Engine(supergraph, _clients(settings, supergraph, clients))
        building.push_async_callback(engine.close)
        verifier = await _verifier(settings, redis, building)
        trail = await _trail(settings, metrics, building)
        pipeline = Pipeline(
            settings,
            engine,
            access_rules(supergraph),
            Documents(engine.schema, settings, store),
            _peers(settings, engine, metrics),
            metrics=metrics,
            verifier=verifier,
            trail=trail,
        )
        return Assembly(pipeline, store, redis, verifier, trail, building.pop_all())
    raise AssertionError("an exit stack swallows nothing")


def _read_supergraph(settings: Settings) -> Supergraph:
    if settings.supergraph is None:
        raise SettingsError("no supergraph is set")
    try:
        sdl = settings.supergraph.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"the supergraph {settings.supergraph} cannot be read") from None
    return load_supergraph(sdl)


def _read_manifests(settings: Settings) -> dict[str, Mapping[str, str]]:
    try:
        return {name: read_manifest(path) for name, path in settings.trusted_documents.items()}
    except ManifestError as error:
        raise SettingsError(str(error)) from None


def _clients(
    settings: Settings, supergraph: Supergraph, given: Mapping[str, SubgraphClient]
) -> dict[str, SubgraphClient]:
    return {
        name: given.get(name) or HttpSubgraphClient(settings.subgraph_urls.get(name, subgraph.url))
        for name, subgraph in supergraph.subgraphs.items()
    }


def _peers(settings: Settings, engine: Engine, metrics: Metrics) -> Peers:
    unknown = settings.signed_subgraphs - engine.clients.keys()
    if unknown:
        raise SettingsError(f"the supergraph has no subgraph {', '.join(sorted(unknown))}")
    return Peers(
        clients=engine.clients,
        keys={name: settings.key(f"context:{name}") for name in settings.signed_subgraphs},
        timeout=settings.subgraph_timeout,
        report_refused=lambda name: metrics.reports_refused.labels(name).inc(),
    )


async def _connect(settings: Settings, building: AsyncExitStack) -> Redis | None:
    if settings.redis_url is None:
        return None
    from gateway.cache.sealed import connect  # noqa: PLC0415 - only who has a Redis pays for it

    redis = connect(settings.redis_url.get_secret_value())
    building.push_async_callback(redis.aclose)
    return redis


def _sealed(settings: Settings, redis: Redis | None, name: str) -> SealedCache | None:
    if redis is None:
        return None
    from gateway.cache.sealed import SealedCache  # noqa: PLC0415 - likewise

    # A development gateway without keys shares nothing with anyone.
    lone = settings.dev and not settings.has_master_key()
    key = secrets.token_bytes(KEY_BYTES) if lone else settings.key("cache")
    return SealedCache(redis, key, name)


async def _verifier(
    settings: Settings, redis: Redis | None, building: AsyncExitStack
) -> TokenVerifier | None:
    if settings.dev:
        return None
    if not settings.issuers:
        raise SettingsError("no issuer of tokens is set, and this is no development gateway")
    import aiohttp  # noqa: PLC0415 - a development gateway verifies nothing

    from gateway.authorization.tokens import TokenVerifier  # noqa: PLC0415 - likewise

    http = await building.enter_async_context(
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=True)
    )
    verifier = TokenVerifier(settings, http, _sealed(settings, redis, "tokens"))
    # In the background: an issuer that is slow, or started after us, must not keep us from serving.
    keeping = asyncio.create_task(verifier.keep_ready())
    building.callback(keeping.cancel)
    return verifier


async def _trail(
    settings: Settings, metrics: Metrics, building: AsyncExitStack
) -> AuditTrail | None:
    if not settings.audited:
        return None
    from gateway.audit.chain import audit_keys  # noqa: PLC0415 - likewise
    from gateway.audit.trail import AuditTrail  # noqa: PLC0415 - likewise

    trail = AuditTrail(settings.home, audit_keys(settings.key), metrics)
    building.push_async_callback(trail.close)
    return trail


async def _answers(redis: Redis) -> bool:
    try:
        async with asyncio.timeout(1):
            return bool(await redis.ping())
    except Exception:  # noqa: BLE001 - whatever it is, it is no answer
        return False
