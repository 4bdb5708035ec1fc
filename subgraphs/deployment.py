"""What the subgraphs of one process have in common: sources, stores, keys, events.

Those that run together share a source's connections and one object for each server. What is opened
here is closed with the deployment's stack.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx2
import sqlalchemy as sa
from redis.asyncio import Redis

from contract.keys import KeyRing
from subgraphs.connectors.config import SourceConfig
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.inbox.server import Inbox
from subgraphs.connectors.inbox.settings import InboxSource
from subgraphs.connectors.inbox.store import InboxStore, inbox_url, open_inbox
from subgraphs.connectors.kinds import AnyConnector, connector_of
from subgraphs.connectors.searched import Searched
from subgraphs.connectors.transport import OnCall, open_client
from subgraphs.runtime.access_facts import SignedCalls
from subgraphs.runtime.app import Handler
from subgraphs.runtime.database import Database, open_store, sqlite_url
from subgraphs.runtime.events import Events, LocalEvents
from subgraphs.runtime.inbox_route import PATH as INBOX_PATH
from subgraphs.runtime.inbox_route import Tell, inbox_route
from subgraphs.runtime.nonces import LocalNonces, Nonces, connect_nonces
from subgraphs.runtime.request import utc_now
from subgraphs.runtime.sealing import IdSeal
from subgraphs.runtime.settings import RuntimeSettings
from subgraphs.runtime.shared_events import SharedEvents
from subgraphs.runtime.source_states import watch_states
from subgraphs.runtime.terms.dialect import Interpreted, PatientSearches, load_dialect
from subgraphs.runtime.tls import client_context
from subgraphs.runtime.writes import Writes, write_table

ConnectorT = TypeVar("ConnectorT", bound=AnyConnector)

REDIS_SECONDS: Final = 2.0


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Part:
    """What a subgraph adds of its own to the common application."""

    services: Any
    ready: Callable[[], Awaitable[bool]] = _always
    routes: Mapping[str, Handler] = field(default_factory=dict)


@dataclass
class Deployment:
    settings: RuntimeSettings
    keys: KeyRing
    sources: Sequence[SourceConfig]
    stack: AsyncExitStack
    events: Events = field(default_factory=LocalEvents)
    on_call: OnCall | None = None
    _connectors: dict[str, AnyConnector] = field(default_factory=dict)
    _inbox: InboxStore | None = None

    async def open(self, names: Collection[str]) -> None:
        """What is there before any of these subgraphs."""
        if self.settings.redis_url is not None:
            redis = Redis.from_url(self.settings.redis_url, socket_connect_timeout=REDIS_SECONDS)
            self.stack.push_async_callback(redis.aclose)
            shared = SharedEvents(redis, self.keys.key("events"))
            self.keep(shared.keep_listening())
            self.events = shared
        inboxes = [source for source in self.sources if isinstance(source, InboxSource)]
        # Identity takes what is handed in, whomever it is for.
        if any("identity" in names or not set(names).isdisjoint(each.serves) for each in inboxes):
            url = self.settings.database_url or inbox_url(self.settings.home)
            self._inbox = await open_inbox(url, self.keys.key("store:inbox"))
            self.stack.push_async_callback(self._inbox.close)

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done in the background for as long as the deployment lives."""
        self.stack.push_async_callback(_end, asyncio.create_task(work))

    @property
    def ids(self) -> IdSeal:
        return IdSeal(self.keys.key("seal:ids"))

    def serving(self, name: str, role: type[ConnectorT]) -> dict[str, ConnectorT]:
        """The sources that serve a subgraph and can be asked so, by id: of whichever kinds."""
        found = {}
        for config in self.sources:
            if name in config.serves and issubclass(connector_of(config.kind), role):
                connector = self._connector(config)
                assert isinstance(connector, role), "it is of its kind"
                found[config.id] = connector
        return found

    def searched(self, name: str) -> dict[str, Searched[Any]]:
        """All that is searched as FHIR is."""
        return self.serving(name, Searched)

    def servers(self, name: str) -> dict[str, FhirServer]:
        """Of those, the ones that take writes and have lists of more than patients' facts."""
        return self.serving(name, FhirServer)

    def url(self, name: str) -> str:
        """Of a subgraph's own database."""
        return self.settings.database_url or sqlite_url(self.settings.home, name)

    async def open_store(self, name: str, metadata: sa.MetaData) -> Database:
        database = await open_store(self.url(name), name, metadata)
        self.stack.push_async_callback(database.close)
        return database

    async def open_writes(self, name: str) -> Writes:
        """Of a subgraph whose database holds nothing but its writes to upstreams."""
        metadata = sa.MetaData()
        table = write_table(name, metadata)
        return self.writes(await self.open_store(name, metadata), table)

    def writes(self, database: Database, table: sa.Table) -> Writes:
        return Writes(database, table, self.keys.key("store:writes"))

    def inbox_routes(self, tell: Tell) -> dict[str, Handler]:
        """Where each sender that has a token hands in its messages."""
        return {
            f"{INBOX_PATH}{source.id}": inbox_route(
                source, source.token_file, self._inbox, tell, utc_now
            )
            for source in self.sources
            if isinstance(source, InboxSource) and source.token_file and self._inbox
        }

    def nonces(self) -> Nonces:
        if self.settings.redis_url is None:
            return LocalNonces()
        nonces, redis = connect_nonces(self.settings.redis_url)
        self.stack.push_async_callback(redis.aclose)
        return nonces

    def calls(self, url: str) -> SignedCalls:
        """Questions to a subgraph in another process."""
        client = httpx2.AsyncClient(
            base_url=url, trust_env=False, verify=client_context(self.settings)
        )
        self.stack.push_async_callback(client.aclose)
        return SignedCalls(client, self.keys.key("access-facts"))

    def _connector(self, config: SourceConfig) -> AnyConnector:
        """One object for each source, whichever subgraphs it serves."""
        if config.id not in self._connectors:
            self._connectors[config.id] = self._opened(config)
        return self._connectors[config.id]

    def _opened(self, config: SourceConfig) -> AnyConnector:
        if isinstance(config, InboxSource):
            assert self._inbox is not None, "it is opened where there is such a source"
            return Inbox(config, self._inbox)
        return connector_of(config.kind)(config, self._client(config))

    def _client(self, config: SourceConfig) -> httpx2.AsyncClient:
        watch = watch_states(self.events, config.id, self.on_call)
        client = open_client(config, on_call=watch)
        self.stack.push_async_callback(client.aclose)
        return client


def interpreted(server: Searched[Any]) -> PatientSearches:
    """Its rows in shared codes, where it has codes of its own."""
    file = server.config.codes
    return Interpreted(server, load_dialect(file)) if file else server


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
