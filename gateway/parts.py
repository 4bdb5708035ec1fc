"""What outlives a schema: opened once, closed with the stack it was opened on."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.keys import KEY_BYTES
from gateway.clients.uses import Uses
from gateway.demand.buckets import Buckets, LocalBuckets
from gateway.demand.till import Till
from gateway.documents.registry import FolderRegistry, Registry, SealedRegistry
from gateway.documents.store import DocumentStore
from gateway.execution.client import SubgraphClient
from gateway.rollout import DecideLabel
from gateway.settings import Settings, SettingsError
from gateway.telemetry import Metrics

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from gateway.audit.trail import AuditTrail
    from gateway.authorization.tokens import TokenVerifier
    from gateway.cache.sealed import SealedCache


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


async def open_parts(
    settings: Settings,
    clients: Mapping[str, SubgraphClient],
    metrics: Metrics,
    decide_label: DecideLabel | None,
    building: AsyncExitStack,
) -> Parts:
    """Raises `SettingsError`."""
    redis = await _connect(settings, building)
    shared = _sealed(settings, redis, "documents")
    return Parts(
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


def _registries(settings: Settings, shared: SealedCache | None) -> tuple[Registry, ...]:
    folder = FolderRegistry(settings.home)
    return (folder,) if shared is None else (folder, SealedRegistry(shared))


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
