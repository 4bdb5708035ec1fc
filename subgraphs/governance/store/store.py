"""Consents and broken glass: every version kept, and what stands now told in one question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.governance.model import BrokenGlass, Consent, ConsentStatus
from subgraphs.governance.store.cipher import Cipher
from subgraphs.governance.store.tables import METADATA, NAME, changes, consents, grants
from subgraphs.runtime.access_facts import LinkSet
from subgraphs.runtime.consent import NO_DIRECTIVES, Directives, Grant, Provision
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.database import Database, open_store, rows_in
from subgraphs.runtime.directives import Standing

_DIRECTIVES = "directives"


async def _nobody() -> None:
    return None


class GovernanceStore:
    def __init__(self, database: Database, cipher: Cipher, now: Callable[[], datetime]) -> None:
        self.database = database
        self.cipher = cipher
        self._now = now
        self.on_change: Callable[[], Awaitable[None]] = _nobody
        """Told after each change of what stands."""

    async def look_up(self, link_sets: Sequence[LinkSet]) -> Standing:
        """What is recorded here of each person, and the version it stands under."""
        wanted = {self.cipher.patient(link): link for links in link_sets for link in links}
        async with self.database.reading() as connection:
            version = await self._version(connection)
            if not wanted:
                return Standing(version, ())
            active = sa.select(consents).where(consents.c.is_latest, consents.c.is_active)
            given = await rows_in(connection, active, consents.c.patient, wanted)
            open_ = sa.select(grants).where(grants.c.until > self._now().timestamp())
            broken = await rows_in(connection, open_, grants.c.patient, wanted)
        provisions: defaultdict[Link, list[Provision]] = defaultdict(list)
        for row in sorted(given, key=lambda row: str(row.id)):
            provisions[wanted[row.patient]].append(self._consent(row).provision)
        glass: defaultdict[Link, list[Grant]] = defaultdict(list)
        for row in sorted(broken, key=lambda row: float(row.at)):
            grant = self._grant(row)
            author = grant.author
            glass[grant.patient].append(Grant(grant.id, author.issuer, author.subject, grant.until))
        return Standing(version, tuple(_of(links, provisions, glass) for links in link_sets))

    async def consents_of(self, link_sets: Sequence[LinkSet]) -> list[list[Consent]]:
        """The latest version of each, by person."""
        latest = sa.select(consents).where(consents.c.is_latest)
        found = await self._of_people(latest, consents, link_sets)
        return [[self._consent(row) for row in rows] for rows in found]

    async def consent(self, id_: str) -> Consent | None:
        async with self.database.reading() as connection:
            return await self.latest(connection, id_)

    async def versions(self, ids: Sequence[str]) -> Mapping[str, list[Consent]]:
        """Every version of these consents, the latest first."""
        found: defaultdict[str, list[Consent]] = defaultdict(list)
        query = sa.select(consents).order_by(consents.c.version.desc())
        async with self.database.reading() as connection:
            for row in await rows_in(connection, query, consents.c.id, ids):
                found[row.id].append(self._consent(row))
        return found

    async def grants_of(self, link_sets: Sequence[LinkSet]) -> list[list[BrokenGlass]]:
        """By person."""
        found = await self._of_people(sa.select(grants), grants, link_sets)
        return [[self._grant(row) for row in rows] for rows in found]

    async def all_grants(self, *, to_review: bool) -> list[BrokenGlass]:
        """The latest first; with `to_review` those that nobody has reviewed."""
        query = sa.select(grants).order_by(grants.c.at.desc())
        if to_review:
            query = query.where(sa.not_(grants.c.is_reviewed))
        async with self.database.reading() as connection:
            return [self._grant(row) for row in await connection.execute(query)]

    async def grants(self, ids: Sequence[str]) -> Mapping[str, BrokenGlass]:
        async with self.database.reading() as connection:
            found = await rows_in(connection, sa.select(grants), grants.c.id, ids)
        return {row.id: self._grant(row) for row in found}

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction in which nothing else is written; what stands counts as changed by it."""
        async with self.database.writing() as connection:
            value = changes.c.value + 1
            await connection.execute(sa.update(changes).values(value=value))
            yield connection
        await self.on_change()

    async def latest(self, connection: AsyncConnection, id_: str) -> Consent | None:
        query = sa.select(consents).where(consents.c.id == id_, consents.c.is_latest)
        row = (await connection.execute(query)).first()
        return None if row is None else self._consent(row)

    async def keep_consent(self, connection: AsyncConnection, consent: Consent) -> None:
        """As the latest version; those before it stay."""
        older = sa.update(consents).where(consents.c.id == consent.id)
        await connection.execute(older.values(is_latest=False))
        await connection.execute(
            sa.insert(consents).values(
                id=consent.id,
                version=consent.version,
                patient=self.cipher.patient(consent.patient),
                is_latest=True,
                is_active=consent.status is ConsentStatus.ACTIVE,
                sealed=self.cipher.seal(_consent_key(consent.id, consent.version), consent),
            )
        )

    async def grant(self, connection: AsyncConnection, id_: str) -> BrokenGlass | None:
        row = (await connection.execute(sa.select(grants).where(grants.c.id == id_))).first()
        return None if row is None else self._grant(row)

    async def keep_grant(self, connection: AsyncConnection, grant: BrokenGlass) -> None:
        await connection.execute(sa.delete(grants).where(grants.c.id == grant.id))
        await connection.execute(
            sa.insert(grants).values(
                id=grant.id,
                patient=self.cipher.patient(grant.patient),
                at=grant.at,
                until=grant.until,
                is_reviewed=grant.review is not None,
                sealed=self.cipher.seal(f"grant:{grant.id}", grant),
            )
        )

    async def _of_people(
        self, query: sa.Select[Any], table: sa.Table, link_sets: Sequence[LinkSet]
    ) -> list[list[sa.Row[Any]]]:
        hashes = [[self.cipher.patient(link) for link in links] for links in link_sets]
        async with self.database.reading() as connection:
            wanted = {hashed for each in hashes for hashed in each}
            found = await rows_in(connection, query, table.c.patient, wanted)
        by_patient: defaultdict[str, list[sa.Row[Any]]] = defaultdict(list)
        for row in found:
            by_patient[row.patient].append(row)
        return [[row for hashed in each for row in by_patient[hashed]] for each in hashes]

    async def _version(self, connection: AsyncConnection) -> int:
        found = await connection.scalar(sa.select(changes.c.value))
        assert found is not None, "it is made with the database"
        return int(found)

    def _consent(self, row: sa.Row[Any]) -> Consent:
        return self.cipher.open(_consent_key(row.id, row.version), row.sealed, Consent)

    def _grant(self, row: sa.Row[Any]) -> BrokenGlass:
        return self.cipher.open(f"grant:{row.id}", row.sealed, BrokenGlass)


async def open_governance_store(
    url: str, key: bytes, now: Callable[[], datetime]
) -> GovernanceStore:
    database = await open_store(url, NAME, METADATA)
    async with database.writing() as connection:
        if await connection.scalar(sa.select(changes.c.value)) is None:
            await connection.execute(sa.insert(changes).values(name=_DIRECTIVES, value=0))
    return GovernanceStore(database, Cipher(key), now)


def _consent_key(id_: str, version: int) -> str:
    return f"consent:{id_}:{version}"


def _of(
    links: LinkSet,
    provisions: Mapping[Link, list[Provision]],
    glass: Mapping[Link, list[Grant]],
) -> Directives:
    given = tuple(each for link in links for each in provisions.get(link, ()))
    broken = tuple(each for link in links for each in glass.get(link, ()))
    return Directives(given, broken) if given or broken else NO_DIRECTIVES
