"""Put the parts of a gateway together, and take them apart in the opposite order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from contract.errors import Code
from gateway.bounds import Limits
from gateway.documents.store import DocumentStore
from gateway.errors import BusyError, RequestError
from gateway.execution.client import SubgraphClient
from gateway.parts import Parts, open_parts
from gateway.pipeline import Pipeline
from gateway.planning import PlanError
from gateway.rollout import DecideLabel
from gateway.serving import Served, serve
from gateway.settings import Settings
from gateway.telemetry import Metrics, log

if TYPE_CHECKING:
    from redis.asyncio import Redis

RETIRE_SECONDS = 0.2
"""How often a schema that has been replaced is asked whether anyone still uses it."""


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
        fresh = serve(self.parts)
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
        parts = await open_parts(settings, clients, metrics, decide_label, building)
        return Assembly(parts, serve(parts), building.pop_all())
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


async def _answers(redis: Redis) -> bool:
    try:
        async with asyncio.timeout(1):
            return bool(await redis.ping())
    except Exception:  # noqa: BLE001 - whatever it is, it is no answer
        return False
