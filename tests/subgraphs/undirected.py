"""Access facts of people who have directed nothing."""

from __future__ import annotations

from subgraphs.runtime.access_facts import LinkSet
from subgraphs.runtime.consent import NO_DIRECTIVES, Directives


class Undirected:
    async def directives(self, link_sets: list[LinkSet]) -> list[Directives]:
        return [NO_DIRECTIVES for _ in link_sets]
