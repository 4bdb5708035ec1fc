"""Put the parts of a gateway together, and take them apart in the opposite order."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.errors import Code
from contract.keys import KEY_BYTES
from gateway.authorization.grants import GrantsOf
from gateway.authorization.roles import RoleMaps, read_role_maps
from gateway.bounds import Limits
from gateway.clients.clients import Clients, open_clients
from gateway.clients.uses import Uses
from gateway.demand.buckets import Buckets, LocalBuckets
from gateway.demand.demand import Demand
from gateway.demand.till import Till
from gateway.demand.weights import read_weights
from gateway.documents.manifest import Manifest, ManifestError, read_manifest
from gateway.documents.registry import FolderRegistry, Registry, SealedRegistry
from gateway.documents.resolve import Documents
from gateway.documents.store import DocumentStore
from gateway.engine import Engine
from gateway.errors import BusyError, RequestError
from gateway.exchange import Peers
from gateway.execution.client import SubgraphClient
from gateway.execution.http_client import HttpSubgraphClient
from gateway.federation.access_rules import AccessRules, access_rules, policy_names
from gateway.federation.supergraph import Supergraph, load_supergraph
from gateway.pipeline import Pipeline
from gateway.planning import PlanError
from gateway.rollout import DecideLabel, Rollout
from gateway.settings import Settings, SettingsError
from gateway.telemetry import Metrics, log

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gateway.audit.trail import AuditTrail
    from gateway.authorization.policies import Policies
    from gateway.authorization.tokens import TokenVerifier
    from gateway.cache.sealed import SealedCache


RETIRE_SECONDS = 0.2
"""How often a schema that has been replaced is asked whether anyone still uses it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What outlives a schema."""

    settings: Settings
    metrics: Metrics
    clients: Mapping[str, SubgraphClient]
    """Given to us, and closed by whoever gave them."""
    redis: Redis | None
    store: DocumentStore
    verifier: TokenVerifier | None
    trail: AuditTrail | None
    till: Till
    uses: Uses
    decide_label: DecideLabel | None


@dataclass(frozen=True, slots=True)
class Served:
    """One schema, and what goes when it goes."""

    pipeline: Pipeline
    own_clients: tuple[SubgraphClient, ...]
    roles: RoleMaps
    """By which it wants callers to be read."""

    async def close(self) -> None:
        for client in self.own_clients:
            await client.close()


class Assembly:
    def __init__(self, parts: Parts, served: Served, closing: AsyncExitStack) -> None:
        self.parts = parts
        self._served = served
        self._read_callers()
        self._closing = closing
        self._retiring: set[asyncio.Task[None]] = set()
        self._warming = asyncio.create_task(warm(served.pipeline, parts.store))

    @property
    def pipeline(self) -> Pipeline:
        return self._served.pipeline

    async def reload(self) -> None:
        """Read supergraph, policies and roles anew, and serve them.

        What is bad is raised, and changes nothing.
        """
        fresh = _serve(self.parts)
        old, self._served = self._served, fresh
        self._read_callers()
        old.pipeline.retire(BusyError(Code.SCHEMA_CHANGED))
        self._warming.cancel()
        self._warming = asyncio.create_task(warm(fresh.pipeline, self.parts.store))
        retiring = asyncio.create_task(self._retire(old))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def close(self) -> None:
        ending = (*self._retiring, self._warming)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await self._served.close()
        await self._closing.aclose()

    async def checks(self) -> Mapping[str, bool]:
        """What has to hold for a request to be answered well, by name."""
        parts = self.parts
        checks = {"schema": True}
        if parts.verifier is not None:
            checks["issuers"] = parts.verifier.ready
        if parts.redis is not None:
            checks["redis"] = await _answers(parts.redis)
        if parts.trail is not None:
            checks["audit"] = await parts.trail.is_writable()
        return checks

    def _read_callers(self) -> None:
        if self.parts.verifier is not None:
            self.parts.verifier.use_roles(self._served.roles)

    async def _retire(self, old: Served) -> None:
        """Requests under way finish on the schema they began with."""
        try:
            while old.pipeline.under_way:  # noqa: ASYNC110 - rare, and nobody waits for it
                await asyncio.sleep(RETIRE_SECONDS)
        finally:
            await old.close()


async def assemble(
    settings: Settings,
    clients: Mapping[str, SubgraphClient],
    metrics: Metrics,
    decide_label: DecideLabel | None = None,
) -> Assembly:
    """Raises `SupergraphError` or `SettingsError`."""
    async with AsyncExitStack() as building:
        redis = await _connect(settings, building)
        shared = _sealed(settings, redis, "documents")
        parts = Parts(
            settings=settings,
            metrics=metrics,
            clients=clients,
            redis=redis,
            store=DocumentStore({}, shared, _registries(settings, shared)),
            verifier=await _verifier(settings, metrics, redis, building),
            trail=await _trail(settings, metrics, building),
            till=_till(settings, redis, metrics, building),
            uses=_uses(redis, building),
            decide_label=decide_label,
        )
        return Assembly(parts, _serve(parts), building.pop_all())
    raise AssertionError("an exit stack swallows nothing")


async def warm(pipeline: Pipeline, store: DocumentStore) -> None:
    """Plan what is registered, one document after the other between the requests that come."""
    seen: set[tuple[str, Limits | None]] = set()
    refused = 0
    async for registered in store.everything():
        for document_id, text in registered.documents.items():
            key = (text, pipeline.limits_of(registered.client))
            if key in seen:
                continue
            seen.add(key)
            try:
                pipeline.warm(text, registered.client)
            except (RequestError, PlanError) as error:
                refused += 1
                log.warning(
                    "document_cannot_run",
                    client_id=registered.client,
                    document=document_id,
                    reason=str(error),
                )
            await asyncio.sleep(0)
    if seen:
        log.info("documents_planned", count=len(seen) - refused)


def _serve(parts: Parts) -> Served:
    settings = parts.settings
    supergraph = _read_supergraph(settings)
    keys = _context_keys(settings, supergraph)
    rules = access_rules(supergraph)
    tls = _subgraph_tls(settings, supergraph)
    roles = read_role_maps(settings.issuers)
    policies = _read_policies(settings, rules, roles)
    rollout = Rollout(supergraph.override_labels, settings.override_labels, parts.decide_label)
    weights = read_weights(supergraph)
    clients = open_clients(settings, parts.uses)
    manifests = _read_manifests(settings, clients)
    # Whatever is wrong has been raised by now: from here on there are connections to close.
    parts.store.take(manifests)
    own: dict[str, SubgraphClient] = {
        name: HttpSubgraphClient(
            settings.subgraph_urls.get(name, subgraph.url),
            tls=tls.get(name),
            subscription_url=settings.subscription_urls.get(name),
        )
        for name, subgraph in supergraph.subgraphs.items()
        if name not in parts.clients
    }
    engine = Engine(supergraph, {**own, **parts.clients})
    refused = parts.metrics.reports_refused
    pipeline = Pipeline(
        settings,
        engine,
        rules,
        Documents(engine.schema, settings, parts.store),
        Peers(
            clients=engine.clients,
            keys=keys,
            timeout=settings.subgraph_timeout,
            report_refused=lambda name: refused.labels(name).inc(),
        ),
        metrics=parts.metrics,
        rollout=rollout,
        grants_of=GrantsOf(policies),
        clients=clients,
        demand=Demand(weights, settings.cost, parts.till, parts.metrics),
        till=parts.till,
        verifier=parts.verifier,
        trail=parts.trail,
    )
    return Served(pipeline, tuple(own.values()), roles)


def _read_supergraph(settings: Settings) -> Supergraph:
    if settings.supergraph is None:
        raise SettingsError("no supergraph is set")
    try:
        sdl = settings.supergraph.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"the supergraph {settings.supergraph} cannot be read") from None
    return load_supergraph(sdl)


def _read_policies(settings: Settings, rules: AccessRules, roles: RoleMaps) -> Policies | None:
    if settings.policies is None:
        return None
    from gateway.authorization.policy_files import (  # noqa: PLC0415 - only who has any pays
        check_roles,
        read_policies,
    )

    policies = read_policies(settings.policies)
    check_roles(policies, roles)
    for name in sorted(policy_names(rules) - policies.decisions):
        log.warning("policy_permits_nobody", reason=f"no policy permits {name}")
    return policies


def _registries(settings: Settings, shared: SealedCache | None) -> tuple[Registry, ...]:
    folder = FolderRegistry(settings.home)
    return (folder,) if shared is None else (folder, SealedRegistry(shared))


def _read_manifests(settings: Settings, clients: Clients) -> dict[str, Manifest]:
    """The settings' and the registry's; where both name one for a client, both hold."""
    own = {name: each.documents.manifest for name, each in clients.registered.items()}
    named = [*settings.trusted_documents.items(), *own.items()]
    manifests: dict[str, Manifest] = {}
    try:
        for name, path in named:
            if path is not None:
                manifests[name] = {**manifests.get(name, {}), **read_manifest(path)}
    except ManifestError as error:
        raise SettingsError(str(error)) from None
    return manifests


def _till(
    settings: Settings, redis: Redis | None, metrics: Metrics, building: AsyncExitStack
) -> Till:
    buckets: Buckets = LocalBuckets()
    if redis is not None:
        from gateway.demand.shared_buckets import SharedBuckets  # noqa: PLC0415 - likewise

        buckets = SharedBuckets(redis, metrics)
    till = Till(buckets, settings.global_budget)
    building.push_async_callback(till.close)
    return till


def _uses(redis: Redis | None, building: AsyncExitStack) -> Uses:
    uses = Uses(redis)
    building.push_async_callback(uses.flush)
    keeping = asyncio.create_task(uses.keep_flushing())
    building.callback(keeping.cancel)
    return uses


def _context_keys(settings: Settings, supergraph: Supergraph) -> dict[str, bytes]:
    unknown = settings.signed_subgraphs - supergraph.subgraphs.keys()
    if unknown:
        raise SettingsError(f"the supergraph has no subgraph {', '.join(sorted(unknown))}")
    return {name: settings.key(f"context:{name}") for name in settings.signed_subgraphs}


def _subgraph_tls(settings: Settings, supergraph: Supergraph) -> dict[str, ssl.SSLContext]:
    given = settings.subgraph_tls
    unknown = given.keys() - supergraph.subgraphs.keys() - {"*"}
    if unknown:
        raise SettingsError(f"the supergraph has no subgraph {', '.join(sorted(unknown))}")
    urls = {n: settings.subgraph_urls.get(n, s.url) for n, s in supergraph.subgraphs.items()}
    plain = [name for name in given if urls.get(name, "https:").startswith(("http:", "ws:"))]
    if plain:
        raise SettingsError(f"the address of {', '.join(sorted(plain))} is not https")
    try:
        made = {name: each.context() for name, each in given.items()}
    except (OSError, ssl.SSLError):
        raise SettingsError("a certificate, key or ca of subgraph_tls cannot be used") from None
    secured = (name for name, url in urls.items() if url.startswith(("https:", "wss:")))
    return {n: made.get(n) or made["*"] for n in secured if n in made or "*" in made}


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
    settings: Settings, metrics: Metrics, redis: Redis | None, building: AsyncExitStack
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
    verifier = TokenVerifier(settings, http, metrics, _sealed(settings, redis, "tokens"))
    # In the background: an issuer that is slow, or started after us, must not keep us from serving.
    keeping = asyncio.create_task(verifier.keep_ready())
    building.callback(keeping.cancel)
    return verifier


async def _trail(
    settings: Settings, metrics: Metrics, building: AsyncExitStack
) -> AuditTrail | None:
    if not settings.audited:
        return None
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - only who keeps a trail pays

    from contract.audit_chain import audit_keys  # noqa: PLC0415 - likewise
    from gateway.audit.trail import AuditTrail  # noqa: PLC0415 - likewise

    keys = audit_keys(settings.key)
    try:
        trail = AuditTrail(settings.home, keys, metrics)
    except (SQLAlchemyError, OSError):
        raise SettingsError(f"the audit trail in {settings.home} cannot be opened") from None
    building.push_async_callback(trail.close)
    return trail


async def _answers(redis: Redis) -> bool:
    try:
        async with asyncio.timeout(1):
            return bool(await redis.ping())
    except Exception:  # noqa: BLE001 - whatever it is, it is no answer
        return False
