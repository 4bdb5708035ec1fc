"""The subgraphs by name: their schemas, and how each is put together from the configured sources.

`open_subgraphs` runs any of them in this process; those that run together share connections to the
sources, and take their access facts from identity directly.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import httpx2
import sqlalchemy as sa
from redis.asyncio import Redis

from contract.audit_chain import reading_keys
from contract.keys import KeyRing, derive_key
from subgraphs.connectors.auth import read_secret
from subgraphs.connectors.bulk.exporter import Exporter
from subgraphs.connectors.config import (
    BasicFile,
    CoreSource,
    DaVinciPasSource,
    FhirSource,
    InboxSource,
    PaymentSource,
    SourceConfig,
    TelehealthSource,
    TradingPartner,
    TwilioSource,
    VideoSource,
    ZoomSource,
    load_sources,
    read_hosts,
)
from subgraphs.connectors.core.client import CoreClient
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.inbox.server import Inbox
from subgraphs.connectors.inbox.store import Delivery, InboxStore, inbox_url, open_inbox
from subgraphs.connectors.pas.client import PasClient
from subgraphs.connectors.payments.gateway import PaymentGateway
from subgraphs.connectors.telehealth.client import TelehealthClient
from subgraphs.connectors.telehealth.twilio import TwilioClient
from subgraphs.connectors.telehealth.visit import Vendor
from subgraphs.connectors.telehealth.zoom import ZoomClient
from subgraphs.connectors.transport import OnCall, open_client
from subgraphs.connectors.x12.client import EligibilityClient
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.sources.authorization_desk import AuthorizationDesk
from subgraphs.coverage.sources.authorization_requests import Requestor
from subgraphs.coverage.sources.checks import Checks, add_check_tables
from subgraphs.coverage.sources.eligibility import EligibilityDesk
from subgraphs.coverage.sources.files import ClaimFiles
from subgraphs.coverage.sources.orders import Orders
from subgraphs.coverage.sources.payer import Payer
from subgraphs.coverage.sources.payment_notices import notices_route
from subgraphs.coverage.sources.payments import PAYMENTS, PaymentBook
from subgraphs.coverage.sources.prior_authorizations import PriorAuthorizations
from subgraphs.diagnostics.sources.fhir import FhirDiagnostics
from subgraphs.directory.loaders.entries import Directory
from subgraphs.directory.sources.fhir import FhirDirectory, FhirTeams
from subgraphs.governance.loaders import Governance, opened_patient
from subgraphs.governance.sources.disclosures import Disclosures
from subgraphs.governance.sources.states import StateBoard
from subgraphs.governance.sources.trail import TrailReader
from subgraphs.governance.store.store import GovernanceStore, open_governance
from subgraphs.governance.store.tables import idempotency as governance_idempotency
from subgraphs.identity.index.matching import Matcher
from subgraphs.identity.index.store import open_index
from subgraphs.identity.index.tables import idempotency
from subgraphs.identity.index.weights import load_weights
from subgraphs.identity.loaders import Identity, IndexFacts
from subgraphs.identity.sources.adt import IndexFeed
from subgraphs.identity.sources.crawl import Crawler
from subgraphs.identity.sources.inbox import InboxNews
from subgraphs.identity.sources.related import FhirRelated
from subgraphs.insight.loaders.exports import Insight
from subgraphs.insight.measures.definition import load_measures
from subgraphs.insight.notes import heed, write_progress
from subgraphs.insight.sources.bulk import Refresher
from subgraphs.insight.store.store import open_insight
from subgraphs.medications.loaders import Medications
from subgraphs.medications.sources.fhir import FhirMedications
from subgraphs.records.sources.fhir import FhirRecords
from subgraphs.runtime.access_facts import (
    PATH,
    HttpPersons,
    JoinedFacts,
    Persons,
    SignedCalls,
)
from subgraphs.runtime.app import Handler, SubgraphApp, create_subgraph_app
from subgraphs.runtime.crosswalk import Crosswalk
from subgraphs.runtime.database import Database, open_store, sqlite_url
from subgraphs.runtime.directives import PATH as DIRECTIVES_PATH
from subgraphs.runtime.directives import TOPIC as DIRECTIVES_TOPIC
from subgraphs.runtime.directives import URL as GOVERNANCE_URL
from subgraphs.runtime.directives import (
    DirectiveSource,
    HttpDirectives,
    NothingDirected,
    RememberedDirectives,
)
from subgraphs.runtime.events import Events, LocalEvents
from subgraphs.runtime.facts_route import directives_route, facts_route
from subgraphs.runtime.idempotency import IdempotencyStore
from subgraphs.runtime.inbox_route import PATH as INBOX_PATH
from subgraphs.runtime.inbox_route import Tell, inbox_route
from subgraphs.runtime.nonces import LocalNonces, Nonces, connect_nonces
from subgraphs.runtime.request import Subgraph, utc_now
from subgraphs.runtime.schema import SubgraphSchema
from subgraphs.runtime.sealing import IdSeal
from subgraphs.runtime.settings import RuntimeSettings
from subgraphs.runtime.shared_events import SharedEvents
from subgraphs.runtime.source_states import watch_states
from subgraphs.runtime.terms.dialect import Interpreted, PatientSearches, load_dialect
from subgraphs.runtime.tls import client_context
from subgraphs.runtime.visit_key import VisitKeys
from subgraphs.runtime.writes import Writes, write_table
from subgraphs.scheduling.loaders import Scheduling
from subgraphs.scheduling.news import AppointmentNews
from subgraphs.scheduling.sources.calendars import FhirCalendars
from subgraphs.scheduling.sources.fhir import FhirSchedule
from subgraphs.scheduling.sources.rooms import Rooms
from subgraphs.telehealth.loaders import Telehealth
from subgraphs.telehealth.sources.messages import FhirMessages
from subgraphs.telehealth.sources.notices import (
    NoticeBoard,
    ReadNotice,
    rest_notices,
    twilio_notices,
    zoom_notices,
)
from subgraphs.telehealth.sources.vendor import Vendors, VideoVendor

ConfigT = TypeVar("ConfigT", bound=SourceConfig)

REDIS_SECONDS: Final = 2.0
NAMES: Final = (
    "identity",
    "records",
    "diagnostics",
    "medications",
    "scheduling",
    "coverage",
    "telehealth",
    "directory",
    "governance",
    "insight",
)


WRITING: Final = frozenset({"coverage", "medications", "scheduling", "telehealth"})
"""Those whose mutations are writes to upstreams."""


def schema_of(name: str) -> SubgraphSchema:
    # Importing one subgraph's schema takes a quarter of a second: only those asked for.
    return cast("SubgraphSchema", import_module(f"subgraphs.{name}.schema").SCHEMA)


@asynccontextmanager
async def open_subgraphs(
    names: Sequence[str],
    settings: RuntimeSettings,
    *,
    dev: bool = False,
    on_call: OnCall | None = None,
) -> AsyncIterator[Mapping[str, SubgraphApp]]:
    """Open these subgraphs until the block ends, each as an ASGI application by its name.

    Identity starts to crawl at once; its /ready tells when the index can answer.
    """
    keys = settings.key_ring()
    sources = load_sources(settings.sources_file)
    async with AsyncExitStack() as stack:
        events = await _open_events(settings, keys, stack)
        deployment = Deployment(settings, keys, sources, stack, events, on_call)
        await deployment.open_inbox()
        await deployment.open_writes(names)
        identity = await _open_identity(deployment) if "identity" in names else None
        governance = await _open_governance(deployment) if "governance" in names else None
        facts = JoinedFacts(
            identity.facts if identity else _remote_persons(deployment),
            _remembered(deployment, governance, dev=dev),
        )
        nonces = _nonces(deployment)
        opened = {"identity": identity, "governance": governance}
        apps: dict[str, SubgraphApp] = {}
        for name in names:
            found = opened.get(name)
            if name == "insight":
                part = await _open_insight(deployment, facts)
            else:
                part = found.part if found else PARTS[name](deployment)
            subgraph = Subgraph(
                name,
                deployment.ids,
                Crosswalk(keys.key("seal:links")),
                facts,
                part.services,
                events,
            )
            apps[name] = create_subgraph_app(
                subgraph,
                schema_of(name),
                keys=keys.rotation(f"context:{name}"),
                dev=dev,
                ready=part.ready,
                routes=part.routes,
                nonces=nonces,
            )
        yield apps


@dataclass(frozen=True, slots=True)
class Store:
    """A subgraph's own database, and what is in it."""

    database: Database
    metadata: sa.MetaData


@dataclass
class Deployment:
    """What the subgraphs of one process have in common."""

    settings: RuntimeSettings
    keys: KeyRing
    sources: Sequence[SourceConfig]
    stack: AsyncExitStack
    events: Events
    on_call: OnCall | None = None
    _clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict)
    _servers: dict[str, FhirServer | Inbox] = field(default_factory=dict)
    writes: dict[str, Writes] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)
    _inbox: InboxStore | None = None

    @property
    def ids(self) -> IdSeal:
        return IdSeal(self.keys.key("seal:ids"))

    def serving(self, name: str, kind: type[ConfigT]) -> dict[str, ConfigT]:
        """The sources of a kind that serve a subgraph, by id."""
        return {s.id: s for s in self.sources if isinstance(s, kind) and name in s.serves}

    def client(self, config: SourceConfig) -> httpx2.AsyncClient:
        if config.id not in self._clients:
            watch = watch_states(self.events, config.id, self.on_call)
            client = self._clients[config.id] = open_client(config, on_call=watch)
            self.stack.push_async_callback(client.aclose)
        return self._clients[config.id]

    async def open_inbox(self) -> None:
        """The store of what is pushed, where any source is."""
        if any(isinstance(source, InboxSource) for source in self.sources):
            url = self.settings.database_url or inbox_url(self.settings.home)
            self._inbox = await open_inbox(url, self.keys.key("store:inbox"))
            self.stack.push_async_callback(self._inbox.close)

    async def open_writes(self, names: Iterable[str]) -> None:
        """What those of these subgraphs that write to upstreams have noted of it."""
        for name in WRITING.intersection(names):
            metadata = sa.MetaData()
            table = write_table(name, metadata)
            if name == "coverage":
                add_check_tables(metadata)
                PAYMENTS.to_metadata(metadata)
            url = self.settings.database_url or sqlite_url(self.settings.home, name)
            database = await open_store(url, name, metadata)
            self.stack.push_async_callback(database.close)
            self.stores[name] = Store(database, metadata)
            self.writes[name] = Writes(database, table, self.keys.key("store:writes"))

    def fhir(self, name: str) -> dict[str, FhirServer | Inbox]:
        """All that is searched as FHIR is; one object each, whichever subgraphs it serves."""
        found: dict[str, FhirSource | InboxSource] = {
            **self.serving(name, FhirSource),
            **self.serving(name, InboxSource),
        }
        for id_, config in found.items():
            if id_ not in self._servers:
                self._servers[id_] = self._server(config)
        return {id_: self._servers[id_] for id_ in found}

    def vendor(self, config: VideoSource) -> Vendor:
        client = self.client(config)
        match config:
            case ZoomSource():
                return ZoomClient(config, client, read_hosts(config.hosts))
            case TwilioSource(auth=BasicFile(user=user, password_file=file)):
                return TwilioClient(config, client, (user, read_secret(file).encode()))
            case TelehealthSource():
                return TelehealthClient(config, client)
        raise AssertionError("every kind of vendor is here")

    def inbox_routes(self, tell: Tell) -> dict[str, Handler]:
        """Where each sender that has a token hands in its messages."""
        return {
            f"{INBOX_PATH}{source.id}": inbox_route(
                source, source.token_file, self._inbox, tell, utc_now
            )
            for source in self.sources
            if isinstance(source, InboxSource) and source.token_file and self._inbox
        }

    def _server(self, config: FhirSource | InboxSource) -> FhirServer | Inbox:
        if isinstance(config, FhirSource):
            return FhirServer(config, self.client(config))
        assert self._inbox is not None, "it is opened where there is such a source"
        return Inbox(config, self._inbox)


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Part:
    """What a subgraph adds of its own to the common application."""

    services: Any
    ready: Callable[[], Awaitable[bool]] = _always
    routes: Mapping[str, Handler] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenIdentity:
    part: Part
    facts: Persons


async def _open_identity(deployment: Deployment) -> OpenIdentity:
    settings, keys = deployment.settings, deployment.keys
    url = settings.database_url or sqlite_url(settings.home, "identity")
    matcher = Matcher(load_weights(settings.identity_weights))
    index = await open_index(url, keys.key("store:identity"), matcher)
    deployment.stack.push_async_callback(index.close)
    crawler = Crawler(index, deployment.fhir("identity"), utc_now)
    was_crawled = not await index.is_empty()
    crawling = asyncio.create_task(crawler.keep_fresh(settings.crawl_seconds))
    deployment.stack.push_async_callback(_end, crawling)
    facts = IndexFacts(index, deployment.ids)

    async def ready() -> bool:
        # Half of the people would look like all of them.
        return (was_crawled or crawler.has_been_round) and not await index.is_empty()

    people = InboxNews(IndexFeed(index, utc_now), utc_now)
    appointments = AppointmentNews(deployment.events)

    async def tell(source: str, delivery: Delivery) -> None:
        await people.tell(source, delivery)
        await appointments.tell(source, delivery)

    routes = {
        PATH: facts_route(facts, keys.rotation("access-facts")),
        **deployment.inbox_routes(tell),
    }
    once = IdempotencyStore(idempotency, keys.key("store:identity"))
    related = {
        id_: FhirRelated(server)
        for id_, server in deployment.fhir("identity").items()
        if isinstance(server, FhirServer)
    }
    return OpenIdentity(Part(Identity(index, once, related), ready, routes), facts)


def _nonces(deployment: Deployment) -> Nonces:
    url = deployment.settings.redis_url
    if url is None:
        return LocalNonces()
    nonces, redis = connect_nonces(url)
    deployment.stack.push_async_callback(redis.aclose)
    return nonces


async def _open_events(settings: RuntimeSettings, keys: KeyRing, stack: AsyncExitStack) -> Events:
    if settings.redis_url is None:
        return LocalEvents()
    redis = Redis.from_url(settings.redis_url, socket_connect_timeout=REDIS_SECONDS)
    stack.push_async_callback(redis.aclose)
    events = SharedEvents(redis, keys.key("events"))
    stack.push_async_callback(_end, asyncio.create_task(events.keep_listening()))
    return events


@dataclass(frozen=True, slots=True)
class OpenGovernance:
    part: Part
    store: GovernanceStore


async def _open_governance(deployment: Deployment) -> OpenGovernance:
    settings, keys, events = deployment.settings, deployment.keys, deployment.events
    key = keys.key("store:governance")
    url = settings.database_url or sqlite_url(settings.home, "governance")
    store = await open_governance(url, key, utc_now)
    deployment.stack.push_async_callback(store.database.close)
    states = StateBoard()
    listening = asyncio.create_task(states.keep_listening(events))
    deployment.stack.push_async_callback(_end, listening)
    once = IdempotencyStore(governance_idempotency, key)
    routes = {DIRECTIVES_PATH: directives_route(store, keys.rotation("access-facts"))}
    reader = TrailReader(settings.audit_home or settings.home, reading_keys(keys.key))
    opened = partial(opened_patient, deployment.ids)
    disclosures = Disclosures(store.database, store.cipher, reader, opened, utc_now)
    reading = asyncio.create_task(disclosures.keep_up())
    deployment.stack.push_async_callback(_end, reading)
    services = Governance(store, once, states, deployment.sources, disclosures)
    return OpenGovernance(Part(services, routes=routes), store)


def _remembered(
    deployment: Deployment, governance: OpenGovernance | None, *, dev: bool
) -> RememberedDirectives:
    """What patients direct, followed at once: by our own word, or by the news of it."""
    url, events = deployment.settings.governance_url, deployment.events
    source: DirectiveSource
    if governance:
        source = governance.store
    elif url is None and dev:
        source = NothingDirected()
    else:
        source = HttpDirectives(_calls(deployment, url or GOVERNANCE_URL))
    remembered = RememberedDirectives(source)
    listening = asyncio.create_task(remembered.keep_listening(events))
    deployment.stack.push_async_callback(_end, listening)
    if governance:

        async def tell() -> None:
            remembered.forget()
            await events.publish(DIRECTIVES_TOPIC)

        governance.store.on_change = tell
    return remembered


def _remote_persons(deployment: Deployment) -> Persons:
    return HttpPersons(_calls(deployment, deployment.settings.identity_url))


def _calls(deployment: Deployment, url: str) -> SignedCalls:
    client = httpx2.AsyncClient(
        base_url=url, trust_env=False, verify=client_context(deployment.settings)
    )
    deployment.stack.push_async_callback(client.aclose)
    return SignedCalls(client, deployment.keys.key("access-facts"))


async def _open_insight(deployment: Deployment, facts: Persons) -> Part:
    """The store, filled in the background: nobody's readiness waits for it."""
    settings = deployment.settings
    key = deployment.keys.key("store:insight")
    store = await open_insight(
        settings.home, key, load_measures(), memory_mb=settings.insight_memory_mb
    )
    deployment.stack.push_async_callback(store.close)
    exporters = {}
    for id_, config in deployment.serving("insight", FhirSource).items():
        # Connections of their own: nobody who waits for an answer stands behind an export.
        client = open_client(config, on_call=deployment.on_call)
        deployment.stack.push_async_callback(client.aclose)
        exporters[id_] = Exporter(config, client)
    if exporters:
        note = partial(write_progress, settings.home)
        refresher = Refresher(store, exporters, facts, utc_now, note)
        for work in (
            refresher.keep_fresh(settings.insight_seconds),
            heed(settings.home, refresher.ask),
        ):
            deployment.stack.push_async_callback(_end, asyncio.create_task(work))
    return Part(Insight(store))


def _interpreted(server: FhirServer | Inbox) -> PatientSearches:
    file = server.config.codes
    return Interpreted(server, load_dialect(file)) if file else server


def _records(deployment: Deployment) -> Part:
    servers = deployment.fhir("records")
    return Part({id_: FhirRecords(_interpreted(server)) for id_, server in servers.items()})


def _diagnostics(deployment: Deployment) -> Part:
    return Part(
        {
            id_: FhirDiagnostics(_interpreted(server), labels=server.config.labels)
            for id_, server in deployment.fhir("diagnostics").items()
        }
    )


def _medications(deployment: Deployment) -> Part:
    servers = deployment.fhir("medications")
    sources = {
        id_: FhirMedications(_interpreted(server), base=server.config.url)
        for id_, server in servers.items()
    }
    taking = {id_: each for id_, each in servers.items() if isinstance(each, FhirServer)}
    return Part(Medications(sources, taking, deployment.writes["medications"]))


def _scheduling(deployment: Deployment) -> Part:
    servers = deployment.fhir("scheduling")
    sources = {id_: FhirSchedule(server) for id_, server in servers.items()}
    calendars = {
        id_: FhirCalendars(server)
        for id_, server in servers.items()
        if isinstance(server, FhirServer)
    }
    bookings = {id_: server for id_, server in servers.items() if isinstance(server, FhirServer)}
    booked_at = deployment.serving("scheduling", VideoSource).values()
    rooms = next((Rooms(each, deployment.vendor(each)) for each in booked_at), None)
    keys = VisitKeys(deployment.keys.key("seal:links"))
    writes = deployment.writes["scheduling"]
    return Part(Scheduling(sources, keys, calendars, bookings, writes, rooms))


def _coverage(deployment: Deployment) -> Part:
    servers = deployment.fhir("coverage").items()
    fhir = {id_: server for id_, server in servers if isinstance(server, FhirServer)}
    payers = {id_: Payer(server) for id_, server in fhir.items()}
    authorizations = {id_: PriorAuthorizations(server) for id_, server in fhir.items()}
    files = {id_: ClaimFiles(inbox) for id_, inbox in servers if isinstance(inbox, Inbox)}
    authorization_desks = {
        config.payer: AuthorizationDesk(
            id_,
            fhir[config.payer].config.url,
            fhir[config.payer],
            PasClient(config, deployment.client(config)),
            Requestor(config.provider_npi, config.provider_name),
        )
        for id_, config in deployment.serving("coverage", DaVinciPasSource).items()
        if config.payer in fhir
    }
    orders = {
        id_: Orders(server.config.url, server)
        for id_, server in deployment.fhir("medications").items()
    }
    desks = {
        config.payer: EligibilityDesk(
            id_, payers[config.payer], _clearinghouse(config, deployment.client(config))
        )
        for id_, config in deployment.serving("coverage", TradingPartner).items()
        if config.payer in payers
    }
    writes, store = deployment.writes["coverage"], deployment.stores["coverage"]
    key = deployment.keys.key("store:coverage")
    checks = Checks(store.database, store.metadata, key)
    book = PaymentBook(store.database, deployment.keys.key("store:payments"), utc_now)
    # An invoice is paid in one place, so there is one gateway.
    config = next(iter(deployment.serving("coverage", PaymentSource).values()), None)
    file = config.webhook_secret_file if config else None
    secret = file.read_bytes().strip() if file else None
    services = Payers(
        payers,
        desks,
        authorizations,
        files,
        authorization_desks,
        orders,
        writes,
        checks,
        PaymentGateway(config, deployment.client(config)) if config else None,
        book,
    )
    return Part(services, routes=notices_route(book, secret, utc_now))


def _clearinghouse(config: TradingPartner, client: httpx2.AsyncClient) -> EligibilityClient:
    if isinstance(config, CoreSource):
        return CoreClient(config, client)
    return EligibilityClient(config, client)


def _telehealth(deployment: Deployment) -> Part:
    vendors = {
        id_: VideoVendor(
            id_,
            deployment.vendor(config),
            NoticeBoard(id_, _notices(config), utc_now, deployment.events),
            frozenset(config.channels),
        )
        for id_, config in deployment.serving("telehealth", VideoSource).items()
    }
    routes = {
        path: route for each in vendors.values() for path, route in each.notices.routes.items()
    }
    letters = deployment.fhir("telehealth")
    services = Telehealth(
        Vendors(vendors),
        VisitKeys(deployment.keys.key("seal:links")),
        {
            id_: server
            for id_, server in deployment.fhir("scheduling").items()
            if isinstance(server, FhirServer)
        },
        derive_key(deployment.keys.key("seal:ids"), "visitors"),
        {id_: FhirMessages(server) for id_, server in letters.items()},
        {id_: server for id_, server in letters.items() if isinstance(server, FhirServer)},
        deployment.writes["telehealth"],
    )
    return Part(services, routes=routes)


def _notices(config: VideoSource) -> ReadNotice | None:
    """How what a vendor pushes is checked and read; None without the secret it signs with."""
    if config.webhook_secret_file is None:
        return None
    secret = config.webhook_secret_file.read_bytes().strip()
    match config:
        case ZoomSource():
            return zoom_notices(secret)
        case TwilioSource(callback_url=url):
            return twilio_notices(secret, url) if url else None
    return rest_notices(secret)


def _directory(deployment: Deployment) -> Part:
    servers = deployment.fhir("directory")
    # What is pushed contains whom it names; a list of its own it has not.
    listing = {id_: each for id_, each in servers.items() if isinstance(each, FhirServer)}
    return Part(
        Directory(
            {id_: FhirDirectory(server, server.config.url) for id_, server in listing.items()},
            {id_: FhirTeams(server) for id_, server in servers.items()},
        )
    )


PARTS: Final[Mapping[str, Callable[[Deployment], Part]]] = {
    "records": _records,
    "diagnostics": _diagnostics,
    "medications": _medications,
    "scheduling": _scheduling,
    "coverage": _coverage,
    "telehealth": _telehealth,
    "directory": _directory,
}


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def export_schemas(folder: Path) -> None:
    """Write each subgraph's schema, as its `_service` would print it."""
    for name in NAMES:
        (folder / f"{name}.graphql").write_text(schema_text(name), encoding="utf-8")


def schema_text(name: str) -> str:
    return schema_of(name).sdl.strip() + "\n"
