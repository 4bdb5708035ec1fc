"""Tells the index of patients at once: they need not wait for the next crawl."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from subgraphs.connectors.inbox.delivery import PATIENT, Delivery
from subgraphs.identity.index.store import said_by
from subgraphs.identity.model import read_patient
from subgraphs.identity.sources.adt import IndexFeed, PersonRecord
from subgraphs.runtime.crosswalk import Link


class InboxNews:
    def __init__(self, feed: IndexFeed, now: Callable[[], datetime]) -> None:
        self._feed = feed
        self._now = now

    async def tell(self, source: str, delivery: Delivery) -> None:
        """To be told again does no harm: the index knows what is news."""
        for resource in delivery.resources:
            if resource["resourceType"] == PATIENT:
                patient = read_patient(resource)
                said = said_by(patient, self._now())
                at = datetime.fromtimestamp(said.at, UTC)
                await self._feed.register(PersonRecord(source, patient, at))
        for prior, survivor in delivery.retired.items():
            await self._feed.merge(Link(source, prior), Link(source, survivor))
