"""The insight subgraph, put together from the sources that export in bulk."""

from __future__ import annotations

from functools import partial

from subgraphs.connectors.bulk.exporter import Exporter
from subgraphs.connectors.transport import open_client
from subgraphs.deployment import Deployment, Part
from subgraphs.insight.loaders.exports import Insight
from subgraphs.insight.measures.definition import load_measures
from subgraphs.insight.notes import heed, write_progress
from subgraphs.insight.sources.bulk import Refresher
from subgraphs.insight.store.store import open_insight_store
from subgraphs.runtime.access_facts import Persons
from subgraphs.runtime.request import utc_now


async def open_insight(deployment: Deployment, persons: Persons) -> Part:
    """The store is filled in the background: nobody's readiness waits for it."""
    settings = deployment.settings
    key = deployment.keys.key("store:insight")
    store = await open_insight_store(
        settings.home, key, load_measures(), memory_mb=settings.insight_memory_mb
    )
    deployment.stack.push_async_callback(store.close)
    exporters = {}
    for id_, server in deployment.servers("insight").items():
        # Connections of their own: nobody who waits for an answer stands behind an export.
        client = open_client(server.config, on_call=deployment.on_call)
        deployment.stack.push_async_callback(client.aclose)
        exporters[id_] = Exporter(server.config, client)
    if exporters:
        note = partial(write_progress, settings.home)
        refresher = Refresher(store, exporters, persons, utc_now, note)
        deployment.keep(refresher.keep_fresh(settings.insight_seconds))
        deployment.keep(heed(settings.home, refresher.ask))
    return Part(Insight(store))
