"""The identity subgraph, put together from the configured sources; it tells others who is who.

It starts to crawl at once; whether it is ready tells when the index can answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from subgraphs.connectors.inbox.delivery import Delivery
from subgraphs.deployment import Deployment, Part
from subgraphs.identity.index.matching import Matcher
from subgraphs.identity.index.store import open_index
from subgraphs.identity.index.tables import idempotency
from subgraphs.identity.index.weights import load_weights
from subgraphs.identity.loaders import Identity, IndexFacts
from subgraphs.identity.sources.adt import IndexFeed
from subgraphs.identity.sources.crawl import Crawler
from subgraphs.identity.sources.inbox import InboxNews
from subgraphs.identity.sources.related import FhirRelated
from subgraphs.runtime.access_facts import PATH, Persons
from subgraphs.runtime.facts_route import facts_route
from subgraphs.runtime.idempotency import IdempotencyStore
from subgraphs.runtime.inbox_route import Tell
from subgraphs.runtime.request import utc_now


@dataclass(frozen=True, slots=True)
class OpenIdentity:
    part: Part
    persons: Persons


async def open_identity(deployment: Deployment, *others: Tell) -> OpenIdentity:
    """`others` are told too of what senders hand in."""
    settings, keys = deployment.settings, deployment.keys
    matcher = Matcher(load_weights(settings.identity_weights))
    index = await open_index(deployment.url("identity"), keys.key("store:identity"), matcher)
    deployment.stack.push_async_callback(index.close)
    crawler = Crawler(index, deployment.searched("identity"), utc_now)
    was_crawled = not await index.is_empty()
    deployment.keep(crawler.keep_fresh(settings.crawl_seconds))
    facts = IndexFacts(index, deployment.ids)

    async def ready() -> bool:
        # Half of the people would look like all of them.
        return (was_crawled or crawler.has_been_round) and not await index.is_empty()

    people = InboxNews(IndexFeed(index, utc_now), utc_now)

    async def tell(source: str, delivery: Delivery) -> None:
        for each in (people.tell, *others):
            await each(source, delivery)

    routes = {
        PATH: facts_route(facts, keys.rotation("access-facts")),
        **deployment.inbox_routes(tell),
    }
    once = IdempotencyStore(idempotency, keys.key("store:identity"))
    related = {id_: FhirRelated(each) for id_, each in deployment.servers("identity").items()}
    return OpenIdentity(Part(Identity(index, once, related), ready, routes), facts)
