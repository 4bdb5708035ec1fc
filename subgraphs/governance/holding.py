"""What stands about a patient: what is recorded here, and what the sources hold.

Of a source that does not answer, its last word still denies, and whatever is labelled of its
records is closed: it may have been told something else since.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from subgraphs.governance.model import ConsentStatus, HeldConsent
from subgraphs.governance.reading import (
    Holder,
    is_about_privacy,
    named_organizations,
    provision_of,
)
from subgraphs.governance.remembering import Remembered
from subgraphs.governance.sources.consents import ConsentResource, ConsentSource
from subgraphs.governance.store.store import GovernanceStore
from subgraphs.governance.treating import CareTeams, names_teams
from subgraphs.runtime.access_facts import LinkSet
from subgraphs.runtime.consent import Directives
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.directives import Standing
from subgraphs.runtime.gathering import Answer, Gathered


class HeldConsents:
    """The consents that the sources hold."""

    def __init__(
        self,
        sources: Mapping[str, ConsentSource],
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = sources
        self._now = now
        self._remembered = Remembered("consents", sources, self._read, now, clock)

    async def look_up(self, link_sets: Sequence[LinkSet]) -> list[Gathered[HeldConsent]]:
        return await self._remembered.look_up(link_sets)

    def forget(self) -> None:
        self._remembered.forget()

    async def _read(self, source: str, patients: Sequence[str]) -> Answer[HeldConsent]:
        """Those of the patients, and whom they name, in two questions at most."""
        asked = self._sources[source]
        answer = await asked.consents(patients)
        rows = {id_: list(filter(is_about_privacy, found)) for id_, found in answer.rows.items()}
        every = [row for found in rows.values() for row in found]
        named = named_organizations(every, asked.base)
        known = await asked.organizations(sorted(named)) if named else {}
        holder, at = Holder(source, asked.base, known), self._now()
        held = {
            id_: [_held(row, Link(source, id_), holder, at) for row in found]
            for id_, found in rows.items()
        }
        return Answer(held, answer.damaged)


class StandingDirectives:
    """`subgraphs.runtime.directives.DirectiveSource`"""

    def __init__(self, store: GovernanceStore, held: HeldConsents, teams: CareTeams) -> None:
        self._store = store
        self._held = held
        self._teams = teams

    async def look_up(self, link_sets: Sequence[LinkSet]) -> Standing:
        standing, held = await asyncio.gather(
            self._store.look_up(link_sets), self._held.look_up(link_sets)
        )
        if not link_sets:
            return standing
        joined = [_joined(*each) for each in zip(standing.directives, held, strict=True)]
        return Standing(standing.version, tuple(await self._with_teams(link_sets, joined)))

    async def _with_teams(
        self, link_sets: Sequence[LinkSet], directives: Sequence[Directives]
    ) -> list[Directives]:
        """With the members of the care teams that the consents name, of those who name any."""
        pairs = zip(link_sets, directives, strict=True)
        wanted = [links for links, each in pairs if any(map(names_teams, each.consents))]
        found = await self._teams.look_up(wanted) if wanted else []
        members = dict(zip(wanted, found, strict=True))
        return [
            msgspec.structs.replace(
                each, consents=tuple(map(members[links].in_place, each.consents))
            )
            if links in members
            else each
            for links, each in zip(link_sets, directives, strict=True)
        ]


def _held(resource: ConsentResource, link: Link, holder: Holder, at: datetime) -> HeldConsent:
    meta = resource.meta
    return HeldConsent(
        resource.id,
        meta.version_id or meta.last_updated or "",
        link,
        resource.status,
        provision_of(resource, holder),
        resource.date_time or meta.last_updated,
        meta.last_updated,
        at,
    )


def _joined(ours: Directives, held: Gathered[HeldConsent]) -> Directives:
    theirs = tuple(e.provision for e in held.rows if e.status is ConsentStatus.ACTIVE)
    unread = tuple(report.source for report in held.sources if not report.answered)
    if not theirs and not unread:
        return ours
    return msgspec.structs.replace(ours, consents=(*ours.consents, *theirs), unread=unread)
