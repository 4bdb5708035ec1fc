"""The scheduling subgraph, put together from the configured sources."""

from __future__ import annotations

from subgraphs.connectors.inbox.server import Inbox
from subgraphs.connectors.telehealth.visit import Vendor
from subgraphs.deployment import Deployment, Part
from subgraphs.runtime.visit_key import VisitKeys
from subgraphs.scheduling.loaders import Scheduling
from subgraphs.scheduling.practitioners import Practitioners
from subgraphs.scheduling.sources.calendars import FhirCalendars
from subgraphs.scheduling.sources.feeds import FeedDays
from subgraphs.scheduling.sources.fhir import FhirSchedule
from subgraphs.scheduling.sources.rooms import Rooms


async def open_part(deployment: Deployment) -> Part:
    servers = deployment.servers("scheduling")
    searched = deployment.searched("scheduling")
    feeds = deployment.serving("scheduling", Inbox)
    calendars = {id_: FhirCalendars(server) for id_, server in servers.items()}
    booked_at = deployment.serving("scheduling", Vendor).values()
    return Part(
        Scheduling(
            {id_: FhirSchedule(server) for id_, server in searched.items()},
            VisitKeys(deployment.keys.key("seal:links")),
            Practitioners(calendars, feeds),
            calendars,
            {id_: FeedDays(feed) for id_, feed in feeds.items()},
            servers,
            await deployment.open_writes("scheduling"),
            next((Rooms(each) for each in booked_at), None),
        )
    )
